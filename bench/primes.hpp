#pragma once

#include "executor.hpp"

#include <array>
#include <cstdint>

// The work of bench/primes.cpp and its peers: which of six large numbers are prime, from the example of Python's
// concurrent.futures.

namespace bench {

inline constexpr std::array<std::int64_t, 6> candidates{112272535095293, 112582705942171,
                                                        112272535095293, 115280095190773,
                                                        115797848077099, 1099726899285419};

inline bool is_prime(std::int64_t n) {
    if (n < 2) return false;
    if (n == 2) return true;
    if (n % 2 == 0) return false;
    for (std::int64_t i = 3; i * i <= n; i += 2) {
        if (n % i == 0) return false;
    }
    return true;
}

inline constexpr int primes_among_candidates = 5;

/// One after the other takes a tenth of a second: a few rounds are enough.
inline int prime_rounds(const program& out) { return 2 + out.slices() / 4; }

}  // namespace bench
