#pragma once

#include <cstdint>
#include <string_view>

#include <sys/types.h>

namespace green {

enum class worker_stream : std::uint8_t { out, err };

/// A line that a worker process has written to its stdout or stderr; see
/// process_executor_options::on_output.
struct worker_line {
    pid_t pid = 0;  ///< of the worker
    worker_stream stream = worker_stream::out;
    std::string_view text;  ///< without the end of the line; gone when the function has returned
};

/// Writes it to stderr after the pid of the worker, `[4711] text`, in one piece.
void print_worker_line(const worker_line& line);

}  // namespace green
