#include "progress.hpp"

#include "summary.hpp"

#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>

#include <chrono>
#include <cstdio>
#include <string>

#include <unistd.h>

namespace tool {
namespace {

constexpr std::chrono::milliseconds interval{100};

struct terminal_line {
    terminal_line() = default;
    terminal_line(const terminal_line&) = delete;
    terminal_line& operator=(const terminal_line&) = delete;
    ~terminal_line() { show({}); }

    static void show(const std::string& text) {
        std::fprintf(stderr, "\r%s\033[K", text.c_str());
        std::fflush(stderr);
    }
};

}  // namespace

green::task<> show_progress(const statistics& so_far, green::clock::time_point start) {
    terminal_line line;
    for (;;) {
        terminal_line::show(progress_text(so_far, green::now() - start));
        co_await green::sleep_for(interval);
    }
}

bool progress_is_welcome() noexcept {
    return ::isatty(STDERR_FILENO) != 0 && ::isatty(STDOUT_FILENO) == 0;
}

}  // namespace tool
