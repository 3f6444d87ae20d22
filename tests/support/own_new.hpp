#pragma once

// An operator new of a test program that can fail.

#include <cstddef>

/// 0 with ThreadSanitizer, whose operator new stands beside no other.
#if defined(__SANITIZE_THREAD__)
#define GREEN_TEST_OWN_NEW 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GREEN_TEST_OWN_NEW 0
#endif
#endif
#ifndef GREEN_TEST_OWN_NEW
#define GREEN_TEST_OWN_NEW 1
#endif

namespace green_test {

/// Whether this call of operator new is to fail. The program defines it.
bool new_fails(std::size_t size) noexcept;

}  // namespace green_test
