#pragma once

// An operator new of the test program that fails when a test wants it to.

#include "support/own_new.hpp"

namespace green_test {

inline constexpr bool new_can_fail = GREEN_TEST_OWN_NEW;

/// While it lives, `n` more calls of operator new on this thread succeed, and one fails.
class failing_new {
public:
    explicit failing_new(int n) noexcept;
    failing_new(const failing_new&) = delete;
    failing_new& operator=(const failing_new&) = delete;
    ~failing_new();
    bool has_failed() const noexcept;
};

/// While it lives, no call of operator new on this thread succeeds.
class no_memory {
public:
    no_memory() noexcept;
    no_memory(const no_memory&) = delete;
    no_memory& operator=(const no_memory&) = delete;
    ~no_memory();
};

/// From now on this thread is one of those for which a `shortage` holds.
void suffer_shortages() noexcept;

/// While one lives, no call of operator new on those threads succeeds.
class shortage {
public:
    shortage() noexcept;
    shortage(const shortage&) = delete;
    shortage& operator=(const shortage&) = delete;
    ~shortage();
};

/// From now on, of `one_in` calls of operator new on this thread one fails.
void let_new_fail(unsigned one_in, unsigned seed) noexcept;

}  // namespace green_test
