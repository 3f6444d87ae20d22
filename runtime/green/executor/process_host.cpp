#include <green/executor/process_host.hpp>

#include <green/executor/executor_error.hpp>
#include <green/executor/helper_thread.hpp>
#include <green/executor/shared_memory.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace green::detail {
namespace {

/// How long daemons have, at the end of the program, for SIGTERM.
constexpr auto daemon_grace = std::chrono::seconds(2);

/// As waitpid gives it: the exit status, or the negative number of the signal.
int exit_code_of(int wait_status) noexcept {
    return WIFSIGNALED(wait_status) ? -WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

}  // namespace

process_host& process_host::instance() {
    static process_host host;
    return host;
}

process_host::process_host() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) throw executor_error("process: no descriptors are left");
    // The fork server dies with this thread.
    thread_ = start_helper_thread("process", [this] { listen(); });
}

/// At the end of the program: daemons are ended, the others are waited for.
process_host::~process_host() {
    std::unique_lock lock(mutex_);
    auto const no_daemons = [this] {
        return std::none_of(children_.begin(), children_.end(), [](const auto& c) {
            return c->daemon;
        });
    };
    for (int const number : {SIGTERM, SIGKILL}) {
        for (const auto& c : children_) {
            if (c->daemon) server_.kill_worker(c->id, number);
        }
        wake();
        if (changed_.wait_for(lock, daemon_grace, no_daemons)) break;
    }
    changed_.wait(lock, [this] { return children_.empty(); });
    closing_ = true;
    wake();
    lock.unlock();
    thread_.join();
}

std::shared_ptr<child_process> process_host::start(const byte_buffer& call, bool daemon) {
    descriptor memory = memory_holding(call);
    std::unique_lock lock(mutex_);
    auto child = std::make_shared<child_process>(next_id_++, daemon);
    children_.push_back(child);
    server_.start_program(child->id, std::move(memory));
    wake();
    changed_.wait(lock, [&] { return child->pid != 0 || !child->start_error.empty(); });
    if (child->pid == 0) throw executor_error("process: cannot be started: " + child->start_error);
    return child;
}

void process_host::send_signal(const child_process& child, int number) {
    std::lock_guard const lock(mutex_);
    auto const is_it = [&](const auto& c) { return c.get() == &child; };
    if (std::none_of(children_.begin(), children_.end(), is_it)) return;  // it has ended
    server_.kill_worker(child.id, number);
    wake();
}

void process_host::wake() noexcept { ::eventfd_write(wake_.get(), 1); }

void process_host::listen() {
    for (;;) {
        std::array<pollfd, 2> wanted{pollfd{wake_.get(), POLLIN, 0}, pollfd{-1, POLLIN, 0}};
        std::vector<std::shared_ptr<child_process>> dead;
        {
            std::lock_guard const lock(mutex_);
            if (closing_) break;
            launch();
            if (server_.launched()) {
                io_state const state = server_.flush();
                if (state == io_state::broken) server_ended(dead);
                if (state == io_state::blocked) wanted[1].events |= POLLOUT;
                wanted[1].fd = server_.socket();
            }
        }
        if (dead.empty()) ::poll(wanted.data(), wanted.size(), -1);
        eventfd_t ignored;
        ::eventfd_read(wake_.get(), &ignored);
        {
            std::lock_guard const lock(mutex_);
            while (server_.launched()) {
                control_message message;
                io_state const state = server_.receive(message);
                if (state == io_state::blocked) break;
                if (state == io_state::broken) {
                    server_ended(dead);
                } else {
                    hear(message, dead);
                }
            }
        }
        changed_.notify_all();
        // Without the lock: this runs callbacks.
        for (const auto& c : dead) c->ended.set_value(c->exit_code);
    }
    server_.end();
}

/// If there is an order and nobody to take it.
void process_host::launch() {
    if (server_.launched() || !server_.has_unsent()) return;
    try {
        server_.launch(environment_.get());
    } catch (const std::system_error& e) {
        for (const auto& c : children_) c->start_error = e.what();
        children_.clear();
        server_.end();
        changed_.notify_all();
    }
}

void process_host::hear(
    const control_message& message, std::vector<std::shared_ptr<child_process>>& dead
) {
    auto const child = std::find_if(children_.begin(), children_.end(), [&](const auto& c) {
        return c->id == message.worker;
    });
    if (message.kind == control_kind::hello || child == children_.end()) return;
    switch (message.kind) {
    case control_kind::started: (*child)->pid = message.pid; return;
    case control_kind::not_started:
        (*child)->start_error = std::strerror(message.value);
        children_.erase(child);
        return;
    case control_kind::exited:
        (*child)->exit_code = exit_code_of(message.value);
        dead.push_back(std::move(*child));
        children_.erase(child);
        return;
    default: return;
    }
}

/// And with it all its children.
void process_host::server_ended(std::vector<std::shared_ptr<child_process>>& dead) {
    int const status = server_.end();
    for (auto& c : children_) {
        if (c->pid == 0) {
            c->start_error =
                "this program was started again to serve as its fork server, and ended "
                "with status " +
                std::to_string(exit_code_of(status)) +
                " instead: call green::process_worker_main() in the first line of main";
        } else {
            c->exit_code = -SIGKILL;
            dead.push_back(std::move(c));
        }
    }
    children_.clear();
}

}  // namespace green::detail
