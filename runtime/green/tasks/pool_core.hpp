#pragma once

// Internal: the places of a task_pool.

#include <green/core/errors.hpp>
#include <green/core/green_task.hpp>
#include <green/core/leaf.hpp>
#include <green/core/named.hpp>
#include <green/core/scheduler.hpp>

#include <cstddef>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace green::detail {

class pool_core;

/// A green task that has a place; gives it back when it has ended, and is gone then.
class pool_member final : public joiner, public list_node<pool_member> {
public:
    pool_member(std::shared_ptr<pool_core> pool, green_task& t);
    pool_member(const pool_member&) = delete;
    pool_member& operator=(const pool_member&) = delete;

    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* p, std::size_t size) noexcept {
        frame_pool::release(p, size);
    }

    green_task& task() const noexcept { return task_; }
    bool of(const pool_core& pool) const noexcept { return pool_.get() == &pool; }

    std::size_t waits = 0;  // of itself, for another place in this pool, with nothing else to do

private:
    void task_ended(green_task&) noexcept override;

    std::shared_ptr<pool_core> pool_;
    green_task& task_;
};

/// Someone who waits for a place.
class place_waiter : public list_node<place_waiter> {
public:
    /// It is his now.
    virtual void place_granted() noexcept = 0;
    /// There will be none.
    virtual void pool_closed() noexcept = 0;

    pool_member* member = nullptr;  // that cannot end before this wait does

protected:
    ~place_waiter() = default;
};

/// What a task_pool and those who use it share: it lives until the last of them is gone.
///
///     free ──take──► taken ──pass_to──► a member's ──it ends──► free, or the first waiter's
///                      └── given back ──────────────────────────┘
class pool_core : public named {
public:
    explicit pool_core(std::size_t limit) noexcept : limit_(limit) {}
    pool_core(const pool_core&) = delete;
    pool_core& operator=(const pool_core&) = delete;

    std::size_t limit() const noexcept { return limit_; }
    std::size_t taken() const noexcept { return taken_; }

    /// False when there is none; then somebody may be waiting already.
    bool try_take();
    void give_back() noexcept;
    /// `w` waits for a place, in order. With `only_hope` it waits for nothing else: if all places are
    /// held by tasks that do that, none will ever be free, and this throws std::logic_error.
    void wait_for_place(place_waiter& w, bool only_hope, const char* operation);
    void forget(place_waiter& w) noexcept;

    void add(pool_member& m) noexcept;
    void remove(pool_member& m) noexcept;
    void cancel_members(std::string_view reason, std::source_location where) noexcept;
    /// The task_pool is gone.
    void close() noexcept;
    [[noreturn]] void throw_closed() const;

    /// Someone who waits until no place is taken.
    class idle_waiter : public list_node<idle_waiter> {
    public:
        virtual void idle() noexcept = 0;

    protected:
        ~idle_waiter() = default;
    };
    void wait_idle(idle_waiter& w) noexcept { idle_waiters_.push_back(w); }
    void forget(idle_waiter& w) noexcept { idle_waiters_.remove(w); }
    /// The running task is a member, or a part of one.
    bool running_inside() const noexcept;

    void describe_to(std::string& out, const char* operation) const;
    /// The only task that can make room, if it is one.
    const green_task* blocker() const noexcept;

private:
    pool_member* membership(green_task& t) const noexcept;
    pool_member* stuck_member() const noexcept;
    void count_out(place_waiter& w) noexcept;

    std::size_t const limit_;
    std::size_t taken_ = 0;
    std::size_t member_count_ = 0;
    std::size_t stuck_ = 0;  // members with waits
    intrusive_list<pool_member> members_;
    intrusive_list<place_waiter> waiters_;
    intrusive_list<idle_waiter> idle_waiters_;
    bool closed_ = false;
};

/// A place while it has been taken and no task has it yet.
class pool_place {
public:
    explicit pool_place(std::shared_ptr<pool_core> pool) noexcept : pool_(std::move(pool)) {}
    pool_place(const pool_place&) = delete;
    pool_place& operator=(const pool_place&) = delete;
    ~pool_place() { give_back(); }

    bool try_take() { return taken_ = pool_->try_take(); }
    void accept() noexcept { taken_ = true; }
    bool taken() const noexcept { return taken_; }
    void give_back() noexcept {
        if (std::exchange(taken_, false)) pool_->give_back();
    }
    /// `t` has it until it ends.
    void pass_to(green_task& t);

    pool_core& pool() const noexcept { return *pool_; }

private:
    std::shared_ptr<pool_core> pool_;
    bool taken_ = false;
};

/// Waits for a place.
class place_leaf final : public leaf, private place_waiter {
public:
    place_leaf(std::shared_ptr<pool_core> pool, const char* operation) noexcept
        : place_(std::move(pool)), operation_(operation) {}

    bool ready() { return place_.try_take(); }
    void start() { place_.pool().wait_for_place(*this, true, operation_); }
    void result() {
        if (!place_.taken()) place_.pool().throw_closed();
    }
    void pass_to(green_task& t) { place_.pass_to(t); }

    bool cancel() noexcept override {
        place_.pool().forget(*this);
        return true;
    }
    void describe(std::string& out) const override { place_.pool().describe_to(out, operation_); }
    const green_task* blocked_by() const noexcept override { return place_.pool().blocker(); }

private:
    void place_granted() noexcept override {
        place_.accept();
        waiter().wake();
    }
    void pool_closed() noexcept override { waiter().wake(); }

    pool_place place_;
    const char* operation_;
};

}  // namespace green::detail
