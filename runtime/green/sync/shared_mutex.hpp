#pragma once

#include <green/core/awaitable.hpp>
#include <green/core/named.hpp>
#include <green/sync/wait_queue.hpp>

#include <cstddef>
#include <utility>

namespace green {
namespace detail {

// Here because GCC 12 takes no private name in the head of a member template that is defined outside.
enum class shared_mutex_mode : unsigned char { exclusive, shared };

}  // namespace detail

/// One writer, or any number of readers. When readers are no reason to wait, a `mutex` is enough.
///
/// **order:** first come, first served: a reader that comes after a waiting writer waits behind it, so
/// neither kind starves; readers next to each other in the queue go in together. Not recursive, and a
/// reader cannot become the writer: it would wait for itself.
///
/// Loop-affine. Must outlive its guards and waiters. Model: std::shared_mutex, tokio::sync::RwLock.
///
///     auto reading = co_await table.lock_shared();
class shared_mutex : public named {
    using mode = detail::shared_mutex_mode;
    template <mode Mode>
    class basic_guard;
    class basic_wait;
    template <mode Mode>
    class wait;

public:
    using guard = basic_guard<mode::exclusive>;
    using shared_guard = basic_guard<mode::shared>;
    using lock_awaitable = wait<mode::exclusive>;
    using lock_shared_awaitable = wait<mode::shared>;

    shared_mutex() = default;
    shared_mutex(const shared_mutex&) = delete;
    shared_mutex& operator=(const shared_mutex&) = delete;

    /// `auto g = co_await m.lock()`: alone, as long as the guard lives.
    /// **cancel:** total; the queue behind moves up.
    lock_awaitable lock() noexcept;
    /// `auto g = co_await m.lock_shared()`: with other readers, as long as the guard lives.
    /// **cancel:** total; the queue behind moves up.
    lock_shared_awaitable lock_shared() noexcept;
    /// Empty guards if others hold it or wait.
    guard try_lock() noexcept;
    shared_guard try_lock_shared() noexcept;

private:
    bool take(mode m) noexcept {
        if (writer_ || !waiters_.empty() || (m == mode::exclusive && readers_ != 0)) return false;
        admit(m);
        return true;
    }
    void admit(mode m) noexcept {
        if (m == mode::exclusive) {
            writer_ = true;
        } else {
            ++readers_;
        }
    }
    void unlock(mode m) {
        if (m == mode::exclusive) {
            writer_ = false;
        } else {
            --readers_;
        }
        if (!waiters_.empty()) serve();
    }
    void serve();

    std::size_t readers_ = 0;
    bool writer_ = false;
    detail::wait_queue waiters_;
};

/// Holds a shared_mutex, alone or with other readers, until it is destroyed or `unlock()` is called.
/// Move-only.
template <detail::shared_mutex_mode Mode>
class [[nodiscard]] shared_mutex::basic_guard {
public:
    basic_guard() = default;
    basic_guard(basic_guard&& o) noexcept : mutex_(std::exchange(o.mutex_, nullptr)) {}
    basic_guard& operator=(basic_guard&& o) noexcept {
        if (this != &o) {
            unlock();
            mutex_ = std::exchange(o.mutex_, nullptr);
        }
        return *this;
    }
    ~basic_guard() { unlock(); }

    bool owns_lock() const noexcept { return mutex_ != nullptr; }
    explicit operator bool() const noexcept { return owns_lock(); }
    void unlock() noexcept {
        if (mutex_) std::exchange(mutex_, nullptr)->unlock(Mode);
    }

private:
    friend class shared_mutex;
    explicit basic_guard(shared_mutex& m) noexcept : mutex_(&m) {}
    shared_mutex* mutex_ = nullptr;
};

class shared_mutex::basic_wait : public detail::wait_node {
public:
    bool ready() noexcept { return mutex_->take(mode_); }
    void start() noexcept { mutex_->waiters_.enlist(*this); }
    void withdrawn() noexcept override {
        mutex_->serve();  // readers may have waited behind this writer
    }
    void describe(std::string& out) const override;

protected:
    basic_wait(shared_mutex& m, mode how) noexcept : mutex_(&m), mode_(how) {}
    ~basic_wait() = default;
    shared_mutex* mutex_;

private:
    friend class shared_mutex;
    mode mode_;
};

template <detail::shared_mutex_mode Mode>
class shared_mutex::wait final : public basic_wait {
public:
    basic_guard<Mode> result() const {
        throw_if_orphaned();
        return basic_guard<Mode>(*mutex_);
    }

private:
    friend class shared_mutex;
    explicit wait(shared_mutex& m) noexcept : basic_wait(m, Mode) {}
};

inline shared_mutex::lock_awaitable shared_mutex::lock() noexcept { return lock_awaitable(*this); }
inline shared_mutex::lock_shared_awaitable shared_mutex::lock_shared() noexcept {
    return lock_shared_awaitable(*this);
}
inline shared_mutex::guard shared_mutex::try_lock() noexcept {
    return take(mode::exclusive) ? guard(*this) : guard();
}
inline shared_mutex::shared_guard shared_mutex::try_lock_shared() noexcept {
    return take(mode::shared) ? shared_guard(*this) : shared_guard();
}

}  // namespace green
