#include "executor/failing_new.hpp"

#include <atomic>
#include <cstdlib>
#include <new>
#include <random>

namespace green_test {
namespace {

// Of this thread.
thread_local int news_left = -1;  // before one fails; below 0: all succeed
thread_local bool none = false;
thread_local bool suffers = false;
thread_local unsigned one_fails_in = 0;  // 0: none fails
thread_local std::minstd_rand numbers;

std::atomic<bool> short_of_memory{false};

[[maybe_unused]] bool fails() noexcept {
    if (suffers && short_of_memory) return true;
    if (none || (news_left >= 0 && news_left-- == 0)) return true;
    return one_fails_in != 0 && numbers() % one_fails_in == 0;
}

}  // namespace

failing_new::failing_new(int n) noexcept { news_left = n; }
failing_new::~failing_new() { news_left = -1; }
bool failing_new::has_failed() const noexcept { return news_left < 0; }

no_memory::no_memory() noexcept { none = true; }
no_memory::~no_memory() { none = false; }

void suffer_shortages() noexcept { suffers = true; }
shortage::shortage() noexcept { short_of_memory = true; }
shortage::~shortage() { short_of_memory = false; }

void let_new_fail(unsigned one_in, unsigned seed) noexcept {
    one_fails_in = one_in;
    numbers.seed(seed);
}

}  // namespace green_test

#if GREEN_TEST_OWN_NEW

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return green_test::fails() ? nullptr : std::malloc(size);
}
void* operator new(std::size_t size) {
    void* const p = operator new(size, std::nothrow);
    if (!p) throw std::bad_alloc();
    return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

#endif
