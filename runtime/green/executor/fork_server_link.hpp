#pragma once

// Internal: the application's end of a fork server.

#include <green/executor/descriptor.hpp>
#include <green/executor/frame_channel.hpp>
#include <green/executor/owning_process.hpp>
#include <green/executor/worker_protocol.hpp>

#include <cstdint>
#include <deque>
#include <string>

#include <sys/types.h>

namespace green::detail {

/// Starts a fork server and gives it orders, never waiting for it. Not thread-safe.
class fork_server_link {
public:
    fork_server_link() = default;
    ~fork_server_link() { end(); }
    fork_server_link(const fork_server_link&) = delete;
    fork_server_link& operator=(const fork_server_link&) = delete;

    /// On a thread that lives as long as the server is to: the server is killed when it ends.
    /// std::system_error.
    void launch(char* const* environment);
    bool launched() const noexcept { return pid_ > 0; }
    int socket() const noexcept { return control_.get(); }

    /// Sent as soon as there is room.
    void start_worker(std::uint64_t worker, start_mode mode, passed_descriptors passed);
    /// The call that is encoded in `memory` is made before the orders that follow.
    void preload(descriptor memory);
    /// A process for the one call that is encoded in `memory`. Its id is of the workers' numbers.
    void start_program(std::uint64_t id, descriptor memory);
    void kill_worker(std::uint64_t worker, int signal);
    io_state flush() noexcept;
    bool has_unsent() const noexcept { return !orders_.empty(); }

    io_state receive(control_message& message) noexcept;

    /// Ends the server, and with it all its workers, and reaps it. Orders that were not sent are
    /// forgotten. Its wait status; 0 if there was none.
    int end() noexcept;

private:
    struct order {
        control_message message;
        passed_descriptors passed;
    };

    pid_t pid_ = 0;
    owning_process owner_;
    descriptor control_;
    std::deque<order> orders_;
};

/// The server that says `hello` runs the same build of the program; otherwise broken_executor.
void check_build(const control_message& hello);

/// `the fork server was killed by signal 9`
std::string describe_server_end(int wait_status);
/// The same of one that has never said hello: its main does something else.
std::string describe_missing_hook(int wait_status);

}  // namespace green::detail
