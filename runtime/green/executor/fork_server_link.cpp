#include <green/executor/fork_server_link.hpp>

#include <green/executor/code_module.hpp>
#include <green/executor/executor_error.hpp>
#include <green/executor/process_launch.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace green::detail {

void fork_server_link::launch(char* const* environment) {
    auto [mine, its] = socket_pair(SOCK_SEQPACKET);
    int const passed[] = {its.get()};
    pid_t const pid = launch_role(fork_server_role, passed, environment);
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "posix_spawn");
    pid_ = pid;
    owner_.take();
    control_ = std::move(mine);
}

void fork_server_link::start_worker(
    std::uint64_t worker, start_mode mode, passed_descriptors passed
) {
    control_message const message{.kind = control_kind::start, .mode = mode, .worker = worker};
    orders_.push_back({message, std::move(passed)});
}

void fork_server_link::start_program(std::uint64_t id, descriptor memory) {
    order& o = orders_.emplace_back();
    o.message = {.kind = control_kind::start_program, .worker = id};
    o.passed[0] = std::move(memory);
}

void fork_server_link::preload(descriptor memory) {
    order& o = orders_.emplace_back();
    o.message = {.kind = control_kind::preload};
    o.passed[0] = std::move(memory);
}

void fork_server_link::kill_worker(std::uint64_t worker, int signal) {
    orders_.push_back({{.kind = control_kind::kill, .worker = worker, .value = signal}, {}});
}

io_state fork_server_link::flush() noexcept {
    while (!orders_.empty()) {
        const order& next = orders_.front();
        std::array<int, max_passed> fds{};
        std::size_t count = 0;
        while (count < fds.size() && next.passed[count]) {
            fds[count] = next.passed[count].get();
            ++count;
        }
        std::span<const int> const passed(fds.data(), count);
        auto const bytes = std::as_bytes(std::span(&next.message, 1));
        if (!send_message(control_.get(), bytes, passed, MSG_DONTWAIT)) {
            // ETOOMANYREFS: too many descriptors are on their way to it.
            bool const later = errno == EAGAIN || errno == EWOULDBLOCK || errno == ETOOMANYREFS ||
                errno == ENOBUFS || errno == ENOMEM;
            return later ? io_state::blocked : io_state::broken;
        }
        orders_.pop_front();
    }
    return io_state::done;
}

io_state fork_server_link::receive(control_message& message) noexcept {
    received_message received;
    auto const room = std::as_writable_bytes(std::span(&message, 1));
    bool there = receive_message(control_.get(), room, received, MSG_DONTWAIT);
    // A server that has ended with orders unread resets the connection, and Linux says so, once, before
    // it hands out what the server had said.
    if (!there && errno == ECONNRESET) {
        there = receive_message(control_.get(), room, received, MSG_DONTWAIT);
    }
    if (!there) {
        bool const later = errno == EAGAIN || errno == EWOULDBLOCK;
        return later ? io_state::blocked : io_state::broken;
    }
    return received.size == sizeof message ? io_state::done : io_state::broken;
}

int fork_server_link::end() noexcept {
    orders_.clear();
    if (!launched()) return 0;
    control_.reset();
    if (!owner_.is_this()) return pid_ = 0;  // not our child
    // It is our child and has not been reaped: nobody else has this pid. Killed rather than waited for,
    // since it may have been stopped.
    ::kill(pid_, SIGKILL);
    int status = 0;
    pid_t reaped;
    do reaped = ::waitpid(pid_, &status, 0);
    while (reaped < 0 && errno == EINTR);
    pid_ = 0;
    return status;
}

void check_build(const control_message& hello) {
    std::string_view const its(hello.text.data(), ::strnlen(hello.text.data(), hello.text.size()));
    if (its == build_identity().substr(0, hello.text.size() - 1)) return;
    throw broken_executor("the program's file is not the one that was started any more");
}

namespace {

std::string end_of(int wait_status) {
    return WIFEXITED(wait_status)
        ? "ended with exit status " + std::to_string(WEXITSTATUS(wait_status))
        : "was killed by signal " + std::to_string(WTERMSIG(wait_status));
}

}  // namespace

std::string describe_server_end(int wait_status) {
    return "the fork server " + end_of(wait_status);
}

std::string describe_missing_hook(int wait_status) {
    return "this program was started again to serve as its fork server, and " +
        end_of(wait_status) +
        " instead: call green::process_worker_main() in the first line of main";
}

}  // namespace green::detail
