#pragma once

#include <green/core/config.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace green::detail {

/// Memory for coroutine frames and green tasks: one free list per 16 bytes of size and thread. Larger
/// blocks than `max_size` are the system's.
///
/// Blocks are carved from spans of 64 KiB, without a gap and without a call of malloc for each. A
/// thread takes blocks of a size from one span, the present one, and gives them back there. The others
/// of the size have lists of their own:
///
///     present ──out of blocks──► exhausted ──a block comes back──► partly free ─┐ the last one does
///        ▲                                                          │           ▼
///        └──────────────────────────────────────────────────────────┴──────── empty ──► the system's
///
/// An empty span serves any size; a thread keeps at most `max_cached` bytes in such spans, so that a
/// burst gives its memory back.
///
/// A block may be freed on any thread: it goes back to the one that it came from. Under
/// AddressSanitizer all blocks are the system's.
class frame_pool {
public:
    static constexpr std::size_t step = 16;
    static constexpr std::size_t max_size = 1024;
    static constexpr std::size_t max_cached = std::size_t{4} << 20;

    static void* allocate(std::size_t size) {
#if !GREEN_ASAN
        std::size_t const c = class_of(size);
        if (c < classes) {
            if (block* b = heap_.free[c]) [[likely]] {
                heap_.free[c] = b->next;
                return b;
            }
            return refill(c);
        }
#endif
        return ::operator new(size);
    }

    static void release(void* p, std::size_t size) noexcept {
#if !GREEN_ASAN
        std::size_t const c = class_of(size);
        if (c < classes) {
            auto* const b = static_cast<block*>(p);
            span* const s = span_of(p);
            if (s == heap_.present[c]) [[likely]] {
                b->next = heap_.free[c];
                heap_.free[c] = b;
            } else {
                release_elsewhere(b, s);
            }
            return;
        }
#else
        (void)size;
#endif
        ::operator delete(p);
    }

    /// Bytes that this thread keeps for re-use, counted.
    static std::size_t cached() noexcept;

    /// Gives all spans of this thread back that have no block in use.
    static void trim() noexcept;

private:
    static constexpr std::size_t classes = max_size / step + 1;
    static constexpr std::size_t class_of(std::size_t size) noexcept {
        return (size + step - 1) / step;
    }
    static constexpr std::size_t span_size = std::size_t{64} << 10;

    struct block {
        block* next;
    };
    struct span;
    static span* span_of(void* p) noexcept {
        auto const offset = reinterpret_cast<std::uintptr_t>(p) % span_size;
        // NOLINTNEXTLINE(bugprone-casting-through-void): to what begins there, not to the same
        return static_cast<span*>(static_cast<void*>(static_cast<char*>(p) - offset));
    }
    /// What a thread has.
    struct heap {
        block* free[classes];  // of the present span
        span* present[classes];
        span* partly_free[classes];
        span* empty;
        std::size_t empty_bytes;
        std::size_t bytes;  // of all spans
        span* all;  // except empty ones
        char* unused;  // spans to be, up to unused_end
        char* unused_end;
        std::atomic<block*> returned;  // by other threads; pushed with the mutex held
        bool open;  // the clean-up at the thread's end is registered
        bool ended;  // it has run
    };
    struct cleaner;

    [[gnu::noinline]] static void* refill(std::size_t c);
    [[gnu::noinline]] static void release_elsewhere(block* b, span* s) noexcept;

    static void open();
    static span* new_span(std::size_t c);
    static void set_aside(std::size_t c) noexcept;
    static void keep_empty(span* s) noexcept;
    static void release_foreign(block* b, span* s) noexcept;
    static void take_returned() noexcept;

    // Constant-initialised and trivially destructible, so an access is one load from the thread's
    // block. initial-exec: no call of __tls_get_addr.
    static thread_local constinit heap heap_ __attribute__((tls_model("initial-exec")));
};

}  // namespace green::detail
