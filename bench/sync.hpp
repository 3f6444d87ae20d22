#pragma once

#include <cstddef>

// The sizes of bench/sync.cpp and its peers.

namespace bench {

inline constexpr int messages = 100'000;  // per slice
inline constexpr std::size_t rivals = 10;  // for a lock

}  // namespace bench
