#pragma once

#include <cstddef>

// What the codec and its limit share.

namespace bench {

inline constexpr std::size_t row = 1'000'000;  // doubles
inline constexpr std::size_t letters = 1024;  // of a string
inline constexpr int small_values = 100'000;  // per slice
inline constexpr int rows = 5;
inline constexpr int documents = 1000;

/// The compiler must take it that `p` is read and written here.
inline void use(void* p) { asm volatile("" : : "r"(p) : "memory"); }

}  // namespace bench
