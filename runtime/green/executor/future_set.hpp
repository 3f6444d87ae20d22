#pragma once

// Internal: waiting for several futures at once.

#include <green/executor/future_state.hpp>
#include <green/executor/future_wait.hpp>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace green {
template <class T>
class task;
}  // namespace green

namespace green::detail {

class future_set_wait;

/// Watches a number of futures and puts them in the order in which they are done. Whoever waits for it
/// is woken once, when enough of them are. Its destructor detaches it from those that are not.
///
/// It belongs to one task or thread; the futures end on any. Locks are taken in this order: a
/// future's, the set's.
class future_set {
public:
    /// Those that are done already come first, in the order given.
    explicit future_set(std::span<const state_ref<future_base>> futures);
    future_set(const future_set&) = delete;
    future_set& operator=(const future_set&) = delete;
    ~future_set();

    std::size_t size() const noexcept { return members_.size(); }
    /// Not taken yet.
    std::size_t left() const noexcept { return members_.size() - taken_; }
    std::size_t unfinished() const;

    /// What to wait for: that `count` of them are done, or with `or_error` that one has failed.
    void expect(std::size_t count, bool or_error);
    bool satisfied() const;
    /// Awaitable.
    future_set_wait wait() noexcept;
    /// Blocks this thread. False if `timeout` came first.
    bool block(std::chrono::nanoseconds timeout) const;

    /// The next one that is done, of which the set keeps no reference; null if there is none now.
    state_ref<future_base> take_finished() noexcept;

    void describe(std::string& out) const;

private:
    friend class future_set_wait;

    struct member final : future_watch {
        void completed() noexcept override { set->finish(*this); }
        future_set* set = nullptr;
        state_ref<future_base> future;
        member* next_finished = nullptr;
    };

    void finish(member& m) noexcept;
    bool enough() const noexcept { return finished_ >= needed_ || (or_error_ && failed_); }

    std::vector<member> members_;
    std::size_t taken_ = 0;

    mutable std::mutex mutex_;  // of what follows
    member* first_finished_ = nullptr;
    member* last_finished_ = nullptr;
    std::size_t finished_ = 0;
    std::size_t needed_ = 0;
    bool or_error_ = false;
    bool failed_ = false;
    future_set_wait* waiter_ = nullptr;
    mutable std::condition_variable enough_;
};

/// A green task's wait for a set.
class future_set_wait final : public leaf, private remote_call {
public:
    explicit future_set_wait(future_set& s) noexcept : set_(s) {}

    bool ready() const { return set_.satisfied(); }
    void start() noexcept;
    void result() const noexcept {}
    bool cancel() noexcept override;
    void describe(std::string& out) const override { set_.describe(out); }

private:
    friend class future_set;
    void run() noexcept override;

    future_set& set_;
};

inline future_set_wait future_set::wait() noexcept { return future_set_wait(*this); }

/// Waits for what the set expects, `timeout` at most; whether it came in time.
task<bool> wait_in_time(future_set& set, std::chrono::nanoseconds timeout);

/// The places of those that are not there before, in order.
std::vector<std::size_t> distinct(std::span<const state_ref<future_base>> futures);

}  // namespace green::detail
