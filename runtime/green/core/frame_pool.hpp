#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <new>

namespace green::detail {

/// Memory for coroutine frames and green tasks: one free list per 16 bytes of size and thread. Sizes
/// are 8 bytes more than a multiple of 16: with malloc's own word that leaves no gap between blocks.
///
/// A block is an ordinary `operator new` block of its class size, so it may be freed on any thread
/// and by code compiled with or without AddressSanitizer (which bypasses the lists). A thread keeps
/// at most `max_cached` bytes; the rest goes back to the system's allocator.
class frame_pool {
public:
    static constexpr std::size_t step = 16;
    static constexpr std::size_t max_size = 1024 + step / 2;
    static constexpr std::size_t max_cached = std::size_t{4} << 20;

    static void* allocate(std::size_t size) {
#if !GREEN_ASAN
        std::size_t const c = class_of(size);
        if (c < classes) {
            if (block* b = lists_.free[c]) {
                lists_.free[c] = b->next;
                lists_.room += static_cast<std::ptrdiff_t>(bytes_of(c));
                return b;
            }
            return ::operator new(bytes_of(c));
        }
#endif
        return ::operator new(size);
    }

    static void release(void* p, std::size_t size) noexcept {
#if !GREEN_ASAN
        std::size_t const c = class_of(size);
        if (c < classes) {
            std::ptrdiff_t const room = lists_.room - static_cast<std::ptrdiff_t>(bytes_of(c));
            if (room < 0) [[unlikely]]
                return release_uncached(p, size);
            lists_.room = room;
            auto* b = static_cast<block*>(p);
            b->next = lists_.free[c];
            lists_.free[c] = b;
            return;
        }
#else
        (void)size;
#endif
        ::operator delete(p);
    }

    /// Bytes that this thread keeps for re-use.
    static std::size_t cached() noexcept {
        return lists_.open ? max_cached - static_cast<std::size_t>(lists_.room) : 0;
    }

    /// Gives all cached blocks of this thread back.
    static void trim() noexcept;

private:
    static constexpr std::size_t classes = max_size / step + 1;  // class_of(max_size) + 1
    static constexpr std::size_t class_of(std::size_t size) noexcept {
        return (size + step / 2 - 1) / step;
    }
    static constexpr std::size_t bytes_of(std::size_t c) noexcept { return c * step + step / 2; }

    struct block {
        block* next;
    };
    struct lists {
        block* free[classes];
        std::ptrdiff_t room;  // bytes that may still be cached
        bool open;  // the thread's clean-up is registered and has not run
        bool ended;
    };

    /// No room. First release on a thread: registers the clean-up at thread exit, then caches.
    static void release_uncached(void* p, std::size_t size) noexcept;

    friend struct frame_pool_cleaner;
    // Constant-initialised and trivially destructible, so an access is one load from the thread's
    // block. initial-exec: no call of __tls_get_addr.
    static thread_local constinit lists lists_ __attribute__((tls_model("initial-exec")));
};

}  // namespace green::detail
