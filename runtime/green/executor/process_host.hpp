#pragma once

// Internal: the processes that `process::start` has started, of the whole application.

#include <green/executor/byte_buffer.hpp>
#include <green/executor/descriptor.hpp>
#include <green/executor/fork_server_link.hpp>
#include <green/executor/future.hpp>
#include <green/executor/process_launch.hpp>
#include <green/executor/promise.hpp>
#include <green/executor/worker_protocol.hpp>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace green::detail {

/// One process. What is not constant is under the host's mutex.
struct child_process {
    child_process(std::uint64_t number, bool is_daemon) : id(number), daemon(is_daemon) {
        ended.set_running();
    }

    std::uint64_t const id;
    bool const daemon;
    pid_t pid = 0;  // 0: not started yet
    std::string start_error;
    int exit_code = 0;  // once it has ended
    promise<int> ended;
    future<int> const status = ended.get_future();
};

/// A fork server and the thread that listens to it, from the first process to the end of the program.
class process_host {
public:
    static process_host& instance();
    ~process_host();
    process_host(const process_host&) = delete;
    process_host& operator=(const process_host&) = delete;

    /// Returns when the process is there. executor_error.
    std::shared_ptr<child_process> start(const byte_buffer& call, bool daemon);
    void send_signal(const child_process& child, int number);

private:
    process_host();
    void listen();
    void launch();
    void hear(const control_message& message, std::vector<std::shared_ptr<child_process>>& dead);
    void server_ended(std::vector<std::shared_ptr<child_process>>& dead);
    void wake() noexcept;

    environment_copy const environment_;
    descriptor wake_;  // an eventfd
    std::mutex mutex_;
    std::condition_variable changed_;
    fork_server_link server_;
    std::vector<std::shared_ptr<child_process>> children_;
    std::uint64_t next_id_ = 0;
    bool closing_ = false;
    std::thread thread_;
};

}  // namespace green::detail
