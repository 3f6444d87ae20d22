#pragma once

// Internal: a job of a thread executor.

#include <green/core/intrusive_list.hpp>
#include <green/executor/future_state.hpp>
#include <green/executor/job.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace green::detail {

class thread_pool;

/// A job in the queue of a thread pool. Who takes it out of the queue, which the pool's mutex decides,
/// calls one of its three functions, once; after that it may be gone.
class thread_job : public list_node<thread_job> {
public:
    /// Runs it and gives its result away. On a worker of `pool`.
    virtual void execute(thread_pool& pool) noexcept = 0;
    /// It will never begin, whoever waits for it gets cancelled_error.
    virtual void discard(thread_pool& pool) noexcept = 0;
    /// It will never begin, whoever waits for it gets `why`.
    virtual void reject(thread_pool& pool, std::exception_ptr why) noexcept = 0;
    virtual std::string_view label() const noexcept = 0;

protected:
    ~thread_job() = default;
};

/// False if a worker has it already, or had.
bool take_back(thread_pool& pool, thread_job& job) noexcept;
std::shared_ptr<thread_pool> keep_alive(thread_pool& pool);

/// A job with a future: state, closure and place in the queue in one block. The queue counts as one of
/// its references.
template <class T, class F, class... A>
class future_job final : public future_state<T>, public thread_job {
public:
    explicit future_job(thread_pool& pool, F&& f, A&&... args)
        : pool_(pool), call_(std::in_place, std::move(f), std::move(args)...) {
        if constexpr (takes_stop_token<F, A...>) stop_.emplace();
    }

    void execute(thread_pool& pool) noexcept override {
        if (!this->set_running()) return leave(pool);
        run();
        this->drop_ref();
    }
    void discard(thread_pool& pool) noexcept override {
        call_.reset();
        this->cancel();
        leave(pool);
    }
    void reject(thread_pool& pool, std::exception_ptr why) noexcept override {
        if (!this->try_claim()) return leave(pool);
        call_.reset();
        this->fail(std::move(why));
        this->drop_ref();
    }
    std::string_view label() const noexcept override { return this->name(); }

private:
    /// The closure and the arguments die before the result is published: who sees the result may rely
    /// on it.
    void run() noexcept {
        try {
            if constexpr (std::is_void_v<T>) {
                call();
                call_.reset();
                this->succeed();
            } else {
                T value = call();
                call_.reset();
                this->succeed(std::move(value));
            }
        } catch (...) {
            std::exception_ptr error = std::current_exception();
            call_.reset();
            this->fail(std::move(error));
        }
    }
    decltype(auto) call() {
        auto const apply = [this](F& f, A&... args) -> decltype(auto) {
            return call_job(f, stop_ ? stop_->get_token() : std::stop_token(), args...);
        };
        return std::apply(apply, *call_);
    }
    void withdrawn() noexcept override {
        if (!take_back(pool_, *this)) return;
        call_.reset();
        this->drop_ref();
    }
    /// It has been cancelled while it was taken from the queue. Whoever cancels it may be about to look
    /// for it in `pool`, which therefore lives as long as this.
    void leave(thread_pool& pool) noexcept {
        call_.reset();
        pool_kept_ = keep_alive(pool);
        this->drop_ref();
    }
    void request_stop() noexcept override {
        if constexpr (takes_stop_token<F, A...>) stop_->request_stop();
    }

    thread_pool& pool_;
    std::optional<std::tuple<F, A...>> call_;
    std::optional<std::stop_source> stop_;
    std::shared_ptr<thread_pool> pool_kept_;
};

}  // namespace green::detail
