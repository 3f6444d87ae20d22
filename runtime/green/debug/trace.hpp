#pragma once

#include <green/core/config.hpp>

#include <string>

namespace green {

/// While it lives, what happens is written to a file that https://ui.perfetto.dev and chrome://tracing
/// show: each green task as a row with its steps, what it waits for between them, and where; jobs of
/// thread executors; DNS queries. Times are real ones, in virtual time too.
///
/// Made before `run`, or inside it (then from the loop's next turn on); other loops are in the trace if
/// their `run` begins while it lives. Without a change to the program: the environment variable GREEN_TRACE
/// names a file, from the first `run` to the end of the process. One trace at a time.
///
/// The file is valid JSON whenever the program ends, also when it is killed: at most the last second (or
/// 64 KiB) of events is missing then. Some 0.6 µs and 350 bytes for each step of a task, nothing while
/// there is no trace.
///
/// std::system_error if the file cannot be written, std::logic_error if there is a trace already. If the
/// disk is full the trace ends with a line on stderr.
///
///     trace_session trace("slow.json");
///     run(amain());
class trace_session {
public:
    explicit trace_session(const std::string& path);
    trace_session(const trace_session&) = delete;
    trace_session& operator=(const trace_session&) = delete;
    ~trace_session() { close(); }

    /// Completes the file. On the thread where it was made.
    void close() noexcept;

private:
    bool open_ = true;
};

}  // namespace green
