#pragma once

#include <green/core/awaitable.hpp>
#include <green/core/frame_pool.hpp>
#include <green/core/scheduler.hpp>

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

namespace green {
template <class T>
class task;
}  // namespace green

namespace green::detail {

class promise_base;

/// Whoever owns a frame: the awaiter in the parent's frame, or a green task for its outermost one.
/// The pointer is cleared when the frame is destroyed from the inside out.
struct frame_owner {
    promise_base* child = nullptr;
};

/// What all frames of green tasks have in common. Three words, beside the compiler's two.
class promise_base {
public:
    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* p, std::size_t size) noexcept {
        frame_pool::release(p, size);
    }

    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept { return final_awaiter{}; }

    template <class A>
    auto await_transform(A&& a, std::source_location where = std::source_location::current()) {
        awaiting_ = where;
        return make_awaiter(static_cast<A&&>(a));
    }

    promise_base* parent() const noexcept { return parent_; }
    /// The `co_await` at which this frame is or was last suspended; before its first, the coroutine.
    std::source_location awaiting() const noexcept { return awaiting_; }

    std::coroutine_handle<promise_base> handle() noexcept {
        return std::coroutine_handle<promise_base>::from_promise(*this);
    }
    /// Destroys this frame and tells its owner.
    void destroy() noexcept {
        owner_->child = nullptr;
        handle().destroy();
    }

    /// `owner` takes the frame; its result goes to `owner`, and `parent` (if any) goes on after it.
    void adopt(frame_owner& owner, promise_base* parent) noexcept {
        owner_ = &owner;
        parent_ = parent;
    }

protected:
    explicit promise_base(std::source_location where) noexcept : awaiting_(where) {}
    ~promise_base() = default;

    /// The frame is at another place now that is no `co_await`.
    void is_at(std::source_location where) noexcept { awaiting_ = where; }

    /// Remembers the frames that `error` is leaving, for the report of an unhandled failure.
    void trace_failure(const std::exception_ptr& error) noexcept;

    frame_owner* owner_ = nullptr;

private:
    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) const noexcept {
            promise_base* const parent = static_cast<promise_base&>(h.promise()).parent_;
            scheduler& s = *scheduler::current();
            if (!parent) {
                s.running()->root_ended(h.promise());
                return std::noop_coroutine();
            }
            if (!s.step_into(*parent)) [[unlikely]] {
                s.running()->requeue(*parent);
                return std::noop_coroutine();
            }
            return parent->handle();
        }
        void await_resume() const noexcept {}
    };

    promise_base* parent_ = nullptr;
    std::source_location awaiting_;
};

inline void green_task::unwind() noexcept {
    while (promise_base* const frame = frame_) {
        frame_ = frame->parent();
        scheduler_->innermost_.store(frame, std::memory_order_relaxed);
        frame->destroy();
    }
}

/// Where the result of a frame goes: it lives in the frame's owner, so that the frame can die first.
template <class T>
class outcome : public frame_owner {
public:
    using stored = std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>;

    outcome() noexcept {}
    outcome(const outcome&) = delete;
    outcome& operator=(const outcome&) = delete;
    ~outcome() {
        if (holds_ == content::value) {
            value_.~stored();
        } else if (holds_ == content::error) [[unlikely]] {
            error_.~exception_ptr();
        }
    }

    bool has_value() const noexcept { return holds_ == content::value; }
    std::exception_ptr error() const noexcept {
        return holds_ == content::error ? error_ : std::exception_ptr();
    }

    /// Once.
    template <class... A>
    void set_value(A&&... a) {
        assert(holds_ == content::nothing);
        ::new (static_cast<void*>(std::addressof(value_))) stored(static_cast<A&&>(a)...);
        holds_ = content::value;
    }
    void set_error(std::exception_ptr e) noexcept {
        if (holds_ == content::value) value_.~stored();  // a destructor threw after co_return
        ::new (static_cast<void*>(&error_)) std::exception_ptr(std::move(e));
        holds_ = content::error;
    }

    /// The value moved out, or the error thrown.
    T take() {
        if (holds_ != content::value) [[unlikely]] {
            assert(holds_ == content::error);
            std::rethrow_exception(error_);
        }
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*value_);
        } else {
            return std::move(value_);
        }
    }
    const stored& value() const noexcept { return value_; }
    stored& value() noexcept { return value_; }

private:
    enum class content : std::uint8_t { nothing, value, error };

    union {
        stored value_;
        std::exception_ptr error_;
    };
    content holds_ = content::nothing;
};

/// Without a value one word is enough: what is over, was not cancelled and has no error has succeeded.
template <>
class outcome<void> : public frame_owner {
public:
    bool has_value() const noexcept { return !error_; }
    std::exception_ptr error() const noexcept { return error_; }
    void set_value() noexcept {}
    void set_error(std::exception_ptr e) noexcept { error_ = std::move(e); }
    void take() {
        if (error_) [[unlikely]]
            std::rethrow_exception(error_);
    }

private:
    std::exception_ptr error_;
};

template <class T>
class task_promise final : public promise_base {
public:
    explicit task_promise(std::source_location where = std::source_location::current()) noexcept
        : promise_base(where) {}

    task<T> get_return_object() noexcept;

    template <class U = T>
        requires std::convertible_to<U&&, T>
    void return_value(U&& value) {
        if constexpr (std::is_reference_v<T>) {
            sink().set_value(std::addressof(value));
        } else {
            sink().set_value(static_cast<U&&>(value));
        }
    }
    void unhandled_exception() noexcept {
        std::exception_ptr error = std::current_exception();
        trace_failure(error);
        sink().set_error(std::move(error));
    }

private:
    outcome<T>& sink() noexcept { return static_cast<outcome<T>&>(*owner_); }
};

template <>
class task_promise<void> final : public promise_base {
public:
    explicit task_promise(std::source_location where = std::source_location::current()) noexcept
        : promise_base(where) {}

    task<void> get_return_object() noexcept;

    void return_void() noexcept { sink().set_value(); }
    void unhandled_exception() noexcept {
        std::exception_ptr error = std::current_exception();
        trace_failure(error);
        sink().set_error(std::move(error));
    }

private:
    outcome<void>& sink() noexcept { return static_cast<outcome<void>&>(*owner_); }
};

}  // namespace green::detail
