#pragma once

#include <green/core/scheduler.hpp>
#include <green/core/trace_sink.hpp>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace green::detail {

class loop_core;

/// Writes the trace file of the process. The format is the JSON array of Chrome's trace events, which
/// Perfetto reads too. Each loop is a "process" there, each green task a "thread" of it:
///
///     #3 'worker'   ├──────────────────────── #3 'worker' ────────────────────────┤
///                   ├ ready ┤├ run ┤├── sleep, 2 s left ──┤├ run ┤├─ join of #4 ─┤
///
/// Events are collected in a bounded buffer. What is in the file is valid JSON after every write: each
/// one goes over the bracket that closed the array before it.
class tracer final : public trace_sink {
public:
    static tracer& instance();

    /// std::logic_error if a trace is being written, std::system_error if the file cannot be.
    void open(const std::string& path);
    /// Closes all spans of the loop that runs on this thread, if one does, and the file.
    void close() noexcept;
    /// At the first run of the process: GREEN_TRACE names a file.
    void open_by_environment() noexcept;

    /// A loop's tasks are traced from its next turn on, until detached or the trace is closed.
    void attach(loop_core& core) noexcept;
    void detach(loop_core& core) noexcept;

    // Around a fork; the child writes nothing.
    void before_fork() noexcept { mutex_.lock(); }
    void after_fork_in_parent() noexcept { mutex_.unlock(); }
    void after_fork_in_child() noexcept;

    void begin_async(const char* category, const void* id, std::string_view name) noexcept override;
    void end_async(const char* category, const void* id) noexcept override;
    void begin_on_thread(const char* category, std::string_view name) noexcept override;
    void end_on_thread() noexcept override;

private:
    class loop_observer;
    struct event {
        char phase;
        pid_t process;
        std::uint64_t thread;
        std::string_view category{};
        std::string_view name{};
        const void* id = nullptr;
        std::string_view argument{};  // its name
        std::string_view value{};
    };
    static constexpr std::size_t buffer_size = std::size_t{1} << 16;

    tracer() = default;

    /// At one time, in this order.
    void add(std::initializer_list<event> events) noexcept;
    void append(const event& e, std::chrono::nanoseconds since_start);
    void write_out() noexcept;
    void flush() noexcept;

    std::mutex mutex_;
    int file_ = -1;
    off_t written_ = 0;
    std::string path_;
    std::string buffer_;
    bool first_ = true;
    std::uint64_t session_ = 0;
    std::chrono::steady_clock::time_point start_;
    std::chrono::steady_clock::time_point last_flush_;
    std::map<const loop_core*, std::unique_ptr<loop_observer>> loops_;
    std::set<pid_t> threads_;  // that have a name
};

}  // namespace green::detail
