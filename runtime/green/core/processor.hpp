#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace green::detail {

/// Between two looks at what another processor is about to write.
inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    asm volatile("yield");
#endif
}

/// What two threads write is to be this far apart: a processor's cache holds and hands over lines of so
/// many bytes.
inline constexpr std::size_t cache_line = 64;

/// Asks for the memory around `place`, which is about to be used; it may be any address.
inline void prefetch_around(const void* place) noexcept {
    constexpr int for_writing = 1;
    auto const address = reinterpret_cast<std::uintptr_t>(place);
    for (std::uintptr_t const a : {address - cache_line, address, address + cache_line}) {
        __builtin_prefetch(reinterpret_cast<const void*>(a), for_writing);  // NOLINT: not used
    }
}

}  // namespace green::detail
