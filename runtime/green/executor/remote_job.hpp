#pragma once

// Internal: a job of a process executor with its future.

#include <green/executor/pool_future.hpp>
#include <green/executor/process_job.hpp>
#include <green/executor/remote_function.hpp>

#include <exception>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace green::detail {

void withdraw_job(process_pool& pool, process_job& job) noexcept;
/// True if it was in the queue again, and has been cancelled.
bool ask_job_to_stop(process_pool& pool, process_job& job) noexcept;

template <class T>
class remote_job final : public pool_future<T>, public process_job {
public:
    remote_job(
        std::shared_ptr<process_pool> pool,
        std::shared_ptr<const outgoing_call> call,
        const job_options& options,
        bool takes_token
    )
        : pool_future<T>(std::move(pool)), process_job(std::move(call), options, takes_token) {}

    void add_ref() noexcept { future_state<T>::add_ref(); }
    void drop_ref() noexcept { future_state<T>::drop_ref(); }

    future_base& state() noexcept override { return *this; }
    void receive(std::span<const std::byte> outcome, shared_borrower* lent) noexcept override {
        decoder reply(outcome, lent);
        auto decoded = decode_reply<T>(reply);
        if (!decoded.value) {
            future_state<T>::fail(std::move(decoded.error));
        } else if constexpr (std::is_void_v<T>) {
            this->succeed();
        } else {
            this->succeed(std::move(*decoded.value));
        }
    }
    void fail(std::exception_ptr why) noexcept override { future_state<T>::fail(std::move(why)); }

private:
    void withdrawn() noexcept override { withdraw_job(this->pool(), *this); }
    bool request_stop() noexcept override { return ask_job_to_stop(this->pool(), *this); }
};

}  // namespace green::detail
