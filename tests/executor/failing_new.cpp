#include "executor/failing_new.hpp"

#include <atomic>
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

}  // namespace

bool new_fails(std::size_t) noexcept {
    if (suffers && short_of_memory) return true;
    if (none || (news_left >= 0 && news_left-- == 0)) return true;
    return one_fails_in != 0 && numbers() % one_fails_in == 0;
}

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
