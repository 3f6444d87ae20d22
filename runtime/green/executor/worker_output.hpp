#pragma once

// Internal: what a worker writes to one of its streams, cut into lines.

#include <green/executor/descriptor.hpp>
#include <green/executor/worker_line.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace green::detail {

/// A line on its way to the function that wants it.
struct captured_line {
    pid_t pid;
    worker_stream stream;
    std::string text;
};

/// The reading end of a pipe. The pipe is its buffer: a worker that writes more than is read from it
/// waits.
class worker_output {
public:
    /// A line that is longer is cut.
    static constexpr std::size_t longest_line = std::size_t{1} << 16;

    worker_output() = default;
    /// Gives the writing end. std::system_error.
    static std::pair<worker_output, descriptor> make(worker_stream stream);

    int fd() const noexcept { return pipe_.get(); }
    bool open() const noexcept { return static_cast<bool>(pipe_); }

    /// What is in the pipe, as much as it holds at most. False when nobody can write. std::bad_alloc:
    /// what is not in `lines` comes with the next call.
    bool read(pid_t pid, std::vector<captured_line>& lines);
    void close() noexcept { pipe_.reset(); }
    /// The worker is gone: what is there still, and the last line without its end.
    void finish(pid_t pid, std::vector<captured_line>& lines);

private:
    void cut(pid_t pid, std::vector<captured_line>& lines);

    descriptor pipe_;
    worker_stream stream_ = worker_stream::out;
    std::string rest_;  // a line without its end
    std::size_t searched_ = 0;  // of it: no line ends before
};

}  // namespace green::detail
