#pragma once

#include <green/core/time.hpp>
#include <green/executor/future.hpp>
#include <green/executor/process_worker_main.hpp>
#include <green/executor/remote_function.hpp>

#include <chrono>
#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <sys/types.h>

namespace green {

namespace detail {
struct child_process;
}  // namespace detail

struct process_options {
    /// Ended with SIGTERM at the end of this program, which waits for all others.
    bool daemon = false;
};

/// A function of this program that runs in a process of its own. For results, many jobs, or work of
/// less than some milliseconds use process_executor; for other programs, subprocess.
///
/// Started by a fork server, never by a fork of this process; so a main that does not begin with `run`
/// or `run_main` begins with `process_worker_main()`. Its standard input is empty, its output is ours;
/// SIGINT is ignored. It dies with this process, whatever becomes of it. Dropping the handle changes
/// nothing; it is move-only, and its members may be called from any thread.
/// Model: multiprocessing.Process.
///
///     process p = process::start<count_words>(std::string("book.txt"));
///     p.join();
///     std::printf("%d\n", *p.exit_code());
class process {
public:
    /// Starts `F(args...)` and returns when the process is there. What F returns, an int or nothing, is
    /// the exit code; an exception is printed to stderr and gives 1. Compile errors as of
    /// process_executor::submit. executor_error if no process can be started. If the fork server is
    /// killed just then, with all its processes, it is tried once more with another one: F may have
    /// begun in the first one.
    template <auto F, class... A>
    static process start(A... args) {
        return start<F>(process_options{}, std::move(args)...);
    }
    template <auto F, class... A>
    static process start(process_options options, A... args) {
        using function = std::remove_cv_t<decltype(F)>;
        using result = detail::remote_result<function, A...>;
        static_assert(
            std::is_void_v<result> || std::same_as<result, int>,
            "green: the function of a process returns its exit code, an int, or nothing"
        );
        byte_buffer call;
        encoder e(call);
        detail::encode_call(e, F, std::move(args)...);
        return start_call(call, options);
    }

    process(process&&) noexcept = default;
    process& operator=(process&&) noexcept = default;
    ~process() = default;

    /// Blocks until it has ended, `timeout` at most; whether it has. 0 or negative asks only. On a loop
    /// use `co_await ended()`.
    template <class Rep = std::chrono::nanoseconds::rep, class Period = std::nano>
    bool join(std::chrono::duration<Rep, Period> timeout = forever) const {
        return ended().try_result_for(timeout).has_value();
    }
    /// Done with the exit code when it has ended. A callback may start processes; to wait for one there
    /// is a std::logic_error. One that calls std::exit must leave no job behind that waits for another
    /// process: an executor that is a static object would wait for that job, and the callback's thread
    /// is the one that hears of the end of processes.
    future<int> ended() const;

    /// Sends SIGTERM, SIGKILL. Nothing happens to one that has ended.
    void terminate() const;
    void kill() const;

    pid_t pid() const;
    /// Empty as long as it runs; the negative number of the signal that killed it.
    std::optional<int> exit_code() const;
    bool is_alive() const { return !ended().done(); }
    bool daemon() const;

    /// Gives up the handle: every later use is a std::logic_error, and so is this while it is alive.
    void close();

private:
    explicit process(std::shared_ptr<detail::child_process> child) noexcept
        : child_(std::move(child)) {}
    static process start_call(const byte_buffer& call, process_options options);
    const detail::child_process& child() const;

    std::shared_ptr<detail::child_process> child_;
};

}  // namespace green
