#pragma once

// Internal: the processes that `process::start` has started, of the whole application.

#include <green/executor/byte_buffer.hpp>
#include <green/executor/descriptor.hpp>
#include <green/executor/fork_server_link.hpp>
#include <green/executor/future.hpp>
#include <green/executor/owning_process.hpp>
#include <green/executor/process_launch.hpp>
#include <green/executor/worker_protocol.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace green::detail {

/// The exit code of a process. To wait for it is a std::logic_error on the thread that would hear it.
class process_end final : public future_state<int> {
    void begin_block(const blocked_wait&) const override;
    const void* executor_of_this_thread() const noexcept override;
};

/// One process. What is not constant is under the host's mutex.
struct child_process {
    child_process(std::uint64_t number, bool is_daemon) : id(number), daemon(is_daemon) {
        end->set_running();
    }

    std::uint64_t const id;
    bool const daemon;
    descriptor spare_call;  // for a second start, until it has been started
    pid_t pid = 0;  // 0: not started yet
    std::string start_error;
    int exit_code = 0;  // once it has ended
    state_ref<process_end> const end = make_state<process_end>();
};

/// A fork server and the thread that listens to it, from the first process to the end of the program.
class process_host {
public:
    static process_host& instance();
    /// A callback of a process runs.
    static bool is_host_thread() noexcept;
    process_host(const process_host&) = delete;
    process_host& operator=(const process_host&) = delete;

    /// Returns when the process is there. executor_error. If the fork server is killed meanwhile, it is
    /// tried a second time, with another one.
    std::shared_ptr<child_process> start(const byte_buffer& call, bool daemon);
    void send_signal(const child_process& child, int number);

private:
    explicit process_host(process_host* of_parent);
    ~process_host() = delete;
    void end();
    template <class Condition>
    bool wait(std::unique_lock<std::mutex>& lock, std::chrono::nanoseconds limit, Condition over);
    void listen();
    bool turn(std::chrono::steady_clock::time_point until);
    bool launch();
    void hear(const control_message& message);
    void server_ended();
    void give_up_starts(const char* why);
    void publish();
    void wake() noexcept;

    owning_process owner_;
    // Where the user has forked: kept, so that it is no leak.
    [[maybe_unused]] process_host* const of_parent_;
    environment_copy const environment_;
    descriptor wake_;  // an eventfd
    std::mutex mutex_;
    std::condition_variable changed_;
    fork_server_link server_;
    std::vector<std::shared_ptr<child_process>> children_;
    std::deque<std::shared_ptr<child_process>> dead_;  // the thread's: whose end is to be told
    std::uint64_t next_id_ = 0;
    bool server_answered_ = false;
    bool closing_ = false;
    std::thread thread_;
};

}  // namespace green::detail
