#include <green/executor/standard_output.hpp>

#include <green/executor/descriptor.hpp>

#include <array>
#include <cstdio>
#include <iostream>

#include <fcntl.h>
#include <unistd.h>

namespace green::detail {

void flush_output() noexcept {
    try {
        std::cout.flush();
        std::clog.flush();
    } catch (...) {  // NOLINT(bugprone-empty-catch): the stream's own, if it is to throw
    }
    std::fflush(stdout);
}

/// Into nothing: a std::cout that is not synchronised with stdio has a buffer of its own, and no other
/// way to empty it.
void drop_output() noexcept {
    descriptor const nothing(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    constexpr std::array streams{STDOUT_FILENO, STDERR_FILENO};
    std::array<descriptor, streams.size()> real;
    for (std::size_t i = 0; i < streams.size(); ++i) {
        real[i] = descriptor(::fcntl(streams[i], F_DUPFD_CLOEXEC, 0));
        if (!nothing || !real[i]) return;
    }
    for (int const stream : streams) ::dup2(nothing.get(), stream);
    flush_output();
    for (std::size_t i = 0; i < streams.size(); ++i) ::dup2(real[i].get(), streams[i]);
}

}  // namespace green::detail
