#pragma once

// The least that tasks can cost in C++20: a coroutine frame from a free list, a FIFO through the
// promises, a counter to join. No cancellation, no exceptions, no names, no owner, no I/O.

#include <array>
#include <coroutine>
#include <cstdlib>
#include <new>
#include <utility>

namespace limit {

// --- frames

class frame_pool {
public:
    static void* allocate(std::size_t size) {
        std::size_t const c = (size + 15) / 16;
        if (c < free_.size()) {
            if (block* b = free_[c]) {
                free_[c] = b->next;
                return b;
            }
        }
        return ::operator new(c * 16);
    }
    static void release(void* p, std::size_t size) {
        std::size_t const c = (size + 15) / 16;
        if (c >= free_.size()) return ::operator delete(p);
        free_[c] = new (p) block{free_[c]};
    }

private:
    struct block {
        block* next;
    };
    static thread_local constinit std::array<block*, 64> free_;
};
inline thread_local constinit std::array<frame_pool::block*, 64> frame_pool::free_{};

// --- the ready queue

struct promise_base;

class ready_queue {
public:
    void push(promise_base& p);
    promise_base* pop();
    promise_base* tail() const { return tail_; }

private:
    promise_base* head_ = nullptr;
    promise_base* tail_ = nullptr;
};
inline thread_local constinit ready_queue ready;

/// Counts tasks that have not ended; one may wait for none.
struct join_counter {
    std::size_t running = 0;
    promise_base* waiter = nullptr;

    bool await_ready() const { return running == 0; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> h) {
        waiter = &h.promise();
    }
    void await_resume() {}
};

struct promise_base {
    promise_base* next = nullptr;
    promise_base* parent = nullptr;  // of an awaited task
    join_counter* counter = nullptr;  // of a spawned task

    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* p, std::size_t size) { frame_pool::release(p, size); }

    std::coroutine_handle<promise_base> handle() {
        return std::coroutine_handle<promise_base>::from_promise(*this);
    }

    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) const noexcept {
            promise_base& p = h.promise();
            if (p.parent) return p.parent->handle();
            join_counter& c = *p.counter;
            h.destroy();
            if (--c.running == 0 && c.waiter) ready.push(*std::exchange(c.waiter, nullptr));
            return std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    std::suspend_always initial_suspend() const noexcept { return {}; }
    final_awaiter final_suspend() const noexcept { return {}; }
    [[noreturn]] void unhandled_exception() noexcept { std::abort(); }
};

inline void ready_queue::push(promise_base& p) {
    p.next = nullptr;
    if (tail_) {
        tail_->next = &p;
    } else {
        head_ = &p;
    }
    tail_ = &p;
}

inline promise_base* ready_queue::pop() {
    promise_base* const p = head_;
    if (p && !(head_ = p->next)) tail_ = nullptr;
    return p;
}

// --- tasks

template <class T>
struct task_result {
    T value{};
    void return_value(T v) { value = v; }
};
template <>
struct task_result<void> {
    void return_void() {}
};

template <class T = void>
class [[nodiscard]] task {
public:
    struct promise_type : promise_base, task_result<T> {
        task get_return_object() { return task(*this); }
    };

    task(task&& o) noexcept : frame_(std::exchange(o.frame_, nullptr)) {}
    task& operator=(task&&) = delete;
    ~task() {
        if (frame_) frame_->handle().destroy();
    }

    bool await_ready() const { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) {
        frame_->parent = &parent.promise();
        return frame_->handle();
    }
    T await_resume() {
        if constexpr (!std::is_void_v<T>) return frame_->value;
    }

    friend void spawn(task t, join_counter& c) {
        promise_type& p = *std::exchange(t.frame_, nullptr);
        p.counter = &c;
        ++c.running;
        ready.push(p);
    }

private:
    explicit task(promise_type& p) : frame_(&p) {}
    promise_type* frame_;
};

struct yield {
    bool await_ready() const { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> h) const {
        ready.push(h.promise());
    }
    void await_resume() const {}
};

inline void run_ready() {
    while (promise_base* p = ready.pop()) p->handle().resume();
}

}  // namespace limit
