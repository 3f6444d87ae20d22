#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <new>

namespace green::detail {

/// Memory for coroutine frames and green tasks: one free list per 16 bytes of size and thread.
///
/// A block is an ordinary `operator new` block of its class size, so it may be freed on any thread
/// and by code compiled with or without AddressSanitizer (which bypasses the lists). A thread keeps
/// at most `max_cached` bytes; the rest goes back to the system's allocator.
class frame_pool {
public:
    static constexpr std::size_t step = 16;
    static constexpr std::size_t max_size = 1024;
    static constexpr std::size_t max_cached = std::size_t{4} << 20;

    static void* allocate(std::size_t size) {
#if !GREEN_ASAN
        std::size_t const c = (size + step - 1) / step;
        if (c <= classes) {
            if (block* b = lists_.free[c]) {
                lists_.free[c] = b->next;
                lists_.cached -= c * step;
                return b;
            }
            return ::operator new(c * step);
        }
#endif
        return ::operator new(size);
    }

    static void release(void* p, std::size_t size) noexcept {
#if !GREEN_ASAN
        std::size_t const c = (size + step - 1) / step;
        if (c <= classes && lists_.cached + c * step <= lists_.limit) {
            auto* b = static_cast<block*>(p);
            b->next = lists_.free[c];
            lists_.free[c] = b;
            lists_.cached += c * step;
            return;
        }
        if (lists_.limit == 0) return release_first(p, size);
#else
        (void)size;
#endif
        ::operator delete(p);
    }

    /// Bytes that this thread keeps for re-use.
    static std::size_t cached() noexcept { return lists_.cached; }

    /// Gives all cached blocks of this thread back.
    static void trim() noexcept;

private:
    static constexpr std::size_t classes = max_size / step;

    struct block {
        block* next;
    };
    struct lists {
        block* free[classes + 1];
        std::size_t cached;
        std::size_t limit; // 0 until the thread's clean-up is registered, and after it has run
        bool ended;
    };

    /// First release on a thread: registers the clean-up at thread exit, then caches.
    static void release_first(void* p, std::size_t size) noexcept;

    friend struct frame_pool_cleaner;
    // Constant-initialised and trivially destructible, so an access is one load from the thread's
    // block. initial-exec: no call of __tls_get_addr.
    static thread_local constinit lists lists_ __attribute__((tls_model("initial-exec")));
};

} // namespace green::detail
