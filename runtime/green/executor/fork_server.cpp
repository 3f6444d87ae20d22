#include <green/executor/fork_server.hpp>

#include <green/executor/code_module.hpp>
#include <green/executor/descriptor.hpp>
#include <green/executor/process_launch.hpp>
#include <green/executor/shared_memory.hpp>
#include <green/executor/standard_output.hpp>
#include <green/executor/worker.hpp>
#include <green/executor/worker_protocol.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace green::detail {
namespace {

bool has_one_thread() noexcept {
    struct stat tasks = {};
    // Two links of the directory's own, and one for every thread.
    return ::stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3;
}

/// Soon: the kernel counts a thread for some moments after it has been joined.
bool gets_one_thread() noexcept {
    constexpr int tries = 1000;
    for (int i = 0; i < tries && !has_one_thread(); ++i) ::poll(nullptr, 0, 1);
    return has_one_thread();
}

class fork_server {
public:
    fork_server() : control_(first_passed_descriptor) {
        handle_signals();
        sigset_t children;
        sigemptyset(&children);
        sigaddset(&children, SIGCHLD);
        deaths_ = descriptor(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
    }

    [[noreturn]] void serve() {
        if (!deaths_) finish();
        control_message hello{.kind = control_kind::hello};
        // The array stays terminated.
        build_identity().copy(hello.text.data(), hello.text.size() - 1);
        send(hello);
        for (;;) {
            std::array<pollfd, 2> wanted{
                pollfd{control_.get(), POLLIN, 0}, pollfd{deaths_.get(), POLLIN, 0}
            };
            ::poll(wanted.data(), wanted.size(), -1);
            if (wanted[1].revents != 0) reap();
            if (wanted[0].revents != 0) obey();
        }
    }

private:
    /// Whatever static initialisers, or the preload function, have done.
    static void handle_signals() noexcept {
        struct sigaction ignore = {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGINT, &ignore, nullptr);
        ::sigaction(SIGTERM, &ignore, nullptr);
        // Ignored, children would be gone without a word.
        struct sigaction usual = {};
        usual.sa_handler = SIG_DFL;
        ::sigaction(SIGCHLD, &usual, nullptr);
        // SIGTERM stays pending in a new process until that takes it: the server itself ignores it.
        sigset_t blocked;
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGCHLD);
        sigaddset(&blocked, SIGTERM);
        ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
    }

    struct child {
        std::uint64_t worker;
        pid_t pid;
    };

    void obey() {
        control_message order;
        received_message received;
        auto const room = std::as_writable_bytes(std::span(&order, 1));
        if (!receive_message(control_.get(), room, received, MSG_DONTWAIT)) {
            if (errno != EAGAIN && errno != EWOULDBLOCK) finish();
            return;
        }
        if (received.size != sizeof order) finish();
        switch (order.kind) {
        case control_kind::preload: preload(received.descriptors[0]); break;
        case control_kind::start:
        case control_kind::start_program: start(order, received.descriptors); break;
        case control_kind::kill: kill(order); break;
        default: finish();
        }
    }

    /// Only a process with one thread can be forked. One that has more by itself starts its workers by
    /// exec; then they make the call.
    void preload(const descriptor& memory) {
        control_message answer{.kind = control_kind::preloaded};
        if (has_one_thread()) {
            std::string problem = failure_of(content_of(memory.get()).bytes());
            handle_signals();
            flush_output();  // else every worker would print it again
            std::fflush(nullptr);
            if (problem.empty() && !gets_one_thread()) {
                problem =
                    "it has left a thread behind, and a process with threads cannot be forked";
            }
            problem.copy(answer.text.data(), answer.text.size() - 1);
            set_preloaded();
        }
        send(answer);
    }

    void start(const control_message& order, passed_descriptors& passed) {
        bool const by_fork = order.mode == start_mode::fork && has_one_thread();
        bool const program = order.kind == control_kind::start_program;
        pid_t const pid = by_fork ? fork_child(program, passed) : exec_child(program, passed);
        control_message answer{.worker = order.worker};
        if (pid > 0) {
            children_.push_back({order.worker, pid});
            answer.kind = control_kind::started;
            answer.pid = pid;
        } else {
            answer.kind = control_kind::not_started;
            answer.value = errno;
        }
        send(answer);
    }

    pid_t fork_child(bool program, passed_descriptors& passed) {
        pid_t const self = ::getpid();
        pid_t const pid = ::fork();
        if (pid != 0) return pid;
        control_.reset();
        deaths_.reset();
        if (program) program_main(std::move(passed[0]), self);
        worker_main(std::move(passed), self);
    }

    static pid_t exec_child(bool program, const passed_descriptors& passed) {
        std::array<int, max_passed> fds{};
        std::size_t count = 0;
        for (; count < fds.size() && passed[count]; ++count) fds[count] = passed[count].get();
        std::span<const int> const all(fds.data(), count);
        const char* const role = program ? program_role
            : passed[worker_stdout]      ? captured_worker_role
                                         : worker_role;
        return launch_role(role, all, environ);
    }

    /// Its process cannot be another one: it has not been reaped.
    void kill(const control_message& order) {
        for (const child& c : children_) {
            if (c.worker == order.worker) ::kill(c.pid, order.value);
        }
    }

    void reap() {
        signalfd_siginfo info;
        while (::read(deaths_.get(), &info, sizeof info) > 0) {}
        int status = 0;
        control_message report{.kind = control_kind::exited};
        for (pid_t pid; (pid = ::wait4(-1, &status, WNOHANG, &report.usage)) > 0;) {
            auto const dead = std::find_if(children_.begin(), children_.end(), [&](const child& c) {
                return c.pid == pid;
            });
            if (dead == children_.end()) continue;
            report.worker = dead->worker;
            report.pid = pid;
            report.value = status;
            children_.erase(dead);
            send(report);
        }
    }

    void send(const control_message& message) {
        if (!send_message(control_.get(), std::as_bytes(std::span(&message, 1)), {}, 0)) finish();
    }

    /// The application is gone, or wants no more.
    [[noreturn]] void finish() noexcept {
        for (const child& c : children_) ::kill(c.pid, SIGKILL);
        ::_exit(0);
    }

    descriptor control_;
    descriptor deaths_;  // a signalfd
    std::vector<child> children_;
};

}  // namespace

void fork_server_main(pid_t parent) noexcept {
    end_with(parent);
    std::fflush(nullptr);  // of the files of static initialisers: once, not by every worker
    ::prctl(PR_SET_NAME, "green-forkserver");
    fork_server().serve();
}

}  // namespace green::detail
