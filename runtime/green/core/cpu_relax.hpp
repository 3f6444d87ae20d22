#pragma once

#include <green/core/config.hpp>

namespace green::detail {

/// Between two looks at what another processor is about to write.
inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    asm volatile("yield");
#endif
}

}  // namespace green::detail
