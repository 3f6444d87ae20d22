#pragma once

// Internal: a job of a process executor with its future.

#include <green/executor/future_state.hpp>
#include <green/executor/process_job.hpp>
#include <green/executor/remote_function.hpp>

#include <exception>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace green::detail {

class process_pool;
void withdraw_job(process_pool& pool, process_job& job) noexcept;
void ask_job_to_stop(process_pool& pool, process_job& job) noexcept;
/// This is the thread on which the jobs end.
bool is_manager_of(const process_pool& pool) noexcept;
/// std::logic_error on the thread that alone could end what is waited for.
void refuse_own_wait(const process_pool& pool);

template <class T>
class remote_job final : public future_state<T>, public process_job {
public:
    remote_job(
        std::shared_ptr<process_pool> pool,
        std::shared_ptr<const outgoing_call> call,
        const job_options& options,
        bool takes_token
    )
        : process_job(std::move(call), options, takes_token), pool_(std::move(pool)) {}

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
    void withdrawn() noexcept override { withdraw_job(*pool_, *this); }
    void request_stop() noexcept override { ask_job_to_stop(*pool_, *this); }
    void begin_block(const blocked_wait&) const override { refuse_own_wait(*pool_); }
    const void* executor_of_this_thread() const noexcept override {
        return is_manager_of(*pool_) ? pool_.get() : nullptr;
    }

    std::shared_ptr<process_pool> pool_;
};

}  // namespace green::detail
