#pragma once

// The compiler check of the whole library: every public header includes this one first.
//
// g++ 12.0 to 12.2 compile a coroutine whose body has no top-level local variable and whose `if` or
// `while` condition contains `co_await` into a function that returns at its first resume, without a
// warning (fixed in 12.3). A user cannot see that from the outside, so it is an error by default.

#if defined(__GNUC__) && !defined(__clang__) && !defined(GREEN_ALLOW_GCC_12_2)
#if __GNUC__ < 11
#error \
    "green needs a compiler with complete C++20 coroutines: clang 16 or newer, or g++ 12.3 or newer."
#elif __GNUC__ == 12 && __GNUC_MINOR__ < 3
#error \
    "green: g++ 12.0 to 12.2 silently drop some coroutines. Use clang 16 or newer (Debian 12: clang++-19) or g++ 12.3 or newer, or define GREEN_ALLOW_GCC_12_2 and keep clear of the patterns in CONTRIBUTING.md."
#endif
#endif

#if !defined(__cpp_impl_coroutine) || __cplusplus < 202002L
#error "green needs C++20 with coroutines: compile with -std=c++20 or newer."
#endif

#include <version>

/// 1 when AddressSanitizer is on: the frame pool is then bypassed, so that a use of a dead frame is
/// a report and not a re-used block.
#if defined(__SANITIZE_ADDRESS__)
#define GREEN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GREEN_ASAN 1
#endif
#endif
#ifndef GREEN_ASAN
#define GREEN_ASAN 0
#endif
