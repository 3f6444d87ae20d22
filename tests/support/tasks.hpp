#pragma once

#include <green/core/task.hpp>
#include <green/loop/sleep.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

// Small bodies for tests of what runs tasks.

namespace green_test {

inline green::task<int> value_after(int n, std::chrono::nanoseconds d) {
    co_await green::sleep_for(d);
    co_return n;
}

inline green::task<int> fails_after(std::string what, std::chrono::nanoseconds d) {
    co_await green::sleep_for(d);
    throw std::runtime_error(what);
}

}  // namespace green_test
