#include <green/executor/worker_output.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace green {

void print_worker_line(const worker_line& line) {
    std::string text = "[" + std::to_string(line.pid) + "] ";
    text.append(line.text).append("\n");
    std::fwrite(text.data(), 1, text.size(), stderr);
}

namespace detail {

std::pair<worker_output, descriptor> worker_output::make(worker_stream stream) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    worker_output output;
    output.pipe_ = descriptor(ends[0]);
    output.stream_ = stream;
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return {std::move(output), descriptor(ends[1])};
}

bool worker_output::read(pid_t pid, std::vector<captured_line>& lines) {
    // No more than a pipe holds by default: a worker that goes on writing does not keep the reader.
    std::array<char, std::size_t{1} << 16> bytes;
    rest_.reserve(rest_.size() + bytes.size());  // nothing is read that there is no memory for
    ssize_t got;
    do got = ::read(pipe_.get(), bytes.data(), bytes.size());
    while (got < 0 && errno == EINTR);
    bool const there_may_be_more = got > 0 || (got < 0 && errno == EAGAIN);
    if (got > 0) rest_.append(bytes.data(), static_cast<std::size_t>(got));
    cut(pid, lines);
    return there_may_be_more;
}

void worker_output::finish(pid_t pid, std::vector<captured_line>& lines) {
    if (open()) static_cast<void>(read(pid, lines));
    cut(pid, lines);
    if (rest_.empty()) return;
    lines.push_back({pid, stream_, {}});
    lines.back().text = std::exchange(rest_, {});
    searched_ = 0;
}

/// The lines of rest_ that are complete, or too long.
void worker_output::cut(pid_t pid, std::vector<captured_line>& lines) {
    std::size_t begin = 0;
    std::size_t const searched = std::exchange(searched_, 0);
    try {
        for (;;) {
            std::size_t const newline = rest_.find('\n', std::max(begin, searched));
            std::size_t const end = std::min({newline, rest_.size(), begin + longest_line});
            bool const too_long = end - begin == longest_line;
            if (newline != end && !too_long) break;
            lines.push_back({pid, stream_, rest_.substr(begin, end - begin)});
            begin = end == newline ? end + 1 : end;
        }
    } catch (...) {
        rest_.erase(0, begin);
        throw;
    }
    rest_.erase(0, begin);
    searched_ = rest_.size();
}

}  // namespace detail
}  // namespace green
