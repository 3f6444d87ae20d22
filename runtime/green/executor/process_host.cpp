#include <green/executor/process_host.hpp>

#include <green/executor/executor_error.hpp>
#include <green/executor/helper_thread.hpp>
#include <green/executor/shared_memory.hpp>
#include <green/executor/steady_time.hpp>

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

thread_local const process_host* own_host = nullptr;  // whose thread this is

}  // namespace

void process_end::begin_block(const blocked_wait&) const {
    if (!process_host::is_host_thread()) return;
    throw std::logic_error("green: deadlock: a callback of a process waits for a process");
}

const void* process_end::executor_of_this_thread() const noexcept {
    return process_host::is_host_thread() ? own_host : nullptr;
}

/// A fork in a callback has the thread's variable, and no such thread.
bool process_host::is_host_thread() noexcept { return own_host && own_host->owner_.is_this(); }

process_host& process_host::instance() {
    // Never destroyed: a process that was forked by the user exits too, and has no such thread. It gets
    // a host of its own when it starts a process.
    static auto& mutex = *new std::mutex;
    static process_host* present = nullptr;
    struct at_exit {
        ~at_exit() {
            if (present->owner_.is_this()) present->end();
        }
    };
    std::lock_guard const lock(mutex);
    if (!present || !present->owner_.is_this()) present = new process_host(present);
    static at_exit const last;
    return *present;
}

process_host::process_host(process_host* of_parent)
    : of_parent_(of_parent), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) throw executor_error("process: no descriptors are left");
    owner_.take();
    // The fork server dies with this thread.
    thread_ = start_helper_thread("process", [this] { listen(); });
}

/// At the end of the program: daemons are ended, the others are waited for.
void process_host::end() {
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
        if (wait(lock, daemon_grace, no_daemons)) break;
    }
    wait(lock, forever, [this] { return children_.empty(); });
    closing_ = true;
    wake();
    lock.unlock();
    if (is_host_thread()) {  // a callback has called exit, and never returns
        server_.end();
        thread_.detach();
    } else {
        thread_.join();
    }
}

/// Until `over()`, `limit` at most; whether it is. In a callback nobody else listens.
template <class Condition>
bool process_host::wait(
    std::unique_lock<std::mutex>& lock, std::chrono::nanoseconds limit, Condition over
) {
    auto const until = time_after(limit);
    if (!is_host_thread()) {
        wake();
        return changed_.wait_until(lock, until, over);
    }
    while (!over()) {
        if (steady::now() >= until) return false;
        lock.unlock();
        turn(until);
        lock.lock();
    }
    return true;
}

std::shared_ptr<child_process> process_host::start(const byte_buffer& call, bool daemon) {
    descriptor memory;
    descriptor spare;
    try {
        memory = memory_holding(call);
        spare = duplicate(memory);
    } catch (const std::system_error& e) {
        throw executor_error(std::string("process: cannot be started: ") + e.what());
    }
    std::unique_lock lock(mutex_);
    if (closing_) throw executor_error("process: cannot be started: the program is ending");
    auto child = std::make_shared<child_process>(next_id_++, daemon);
    child->spare_call = std::move(spare);
    children_.push_back(child);
    server_.start_program(child->id, std::move(memory));
    wait(lock, forever, [&] { return child->pid != 0 || !child->start_error.empty(); });
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
    own_host = this;
    while (turn(steady::time_point::max())) publish();
    server_.end();
}

/// One round: sends orders, waits, `until` then at most, hears. False when all is over.
bool process_host::turn(std::chrono::steady_clock::time_point until) {
    std::array<pollfd, 2> wanted{pollfd{wake_.get(), POLLIN, 0}, pollfd{-1, POLLIN, 0}};
    bool broken = false;
    {
        std::lock_guard const lock(mutex_);
        if (closing_) return false;
        broken = !launch();
        if (server_.launched()) {
            wanted[1].fd = server_.socket();
            io_state const state = server_.flush();
            if (state == io_state::blocked) wanted[1].events |= POLLOUT;
            broken = state == io_state::broken;
        }
    }
    if (!broken) ::poll(wanted.data(), wanted.size(), poll_timeout(until, steady::now()));
    eventfd_t ignored;
    ::eventfd_read(wake_.get(), &ignored);
    {
        std::lock_guard const lock(mutex_);
        while (server_.launched()) {
            control_message message;
            io_state const state = server_.receive(message);
            if (state == io_state::blocked && !broken) break;
            if (state != io_state::done) {
                server_ended();
            } else {
                hear(message);
            }
        }
    }
    changed_.notify_all();
    return true;
}

/// Without the lock: this runs callbacks, and they may start processes.
void process_host::publish() {
    while (!dead_.empty()) {
        std::shared_ptr<child_process> const first = std::move(dead_.front());
        dead_.pop_front();
        first->end->succeed(first->exit_code);
    }
}

/// If there is an order and nobody to take it. False if there still is nobody.
bool process_host::launch() {
    if (server_.launched() || !server_.has_unsent()) return true;
    try {
        server_answered_ = false;
        server_.launch(environment_.get());
        return true;
    } catch (const std::system_error& e) {
        give_up_starts(e.what());
        return false;
    }
}

void process_host::hear(const control_message& message) {
    if (message.kind == control_kind::hello) {
        server_answered_ = true;
        try {
            check_build(message);
        } catch (const executor_error& e) {
            give_up_starts(e.what());
        }
        return;
    }
    auto const child = std::find_if(children_.begin(), children_.end(), [&](const auto& c) {
        return c->id == message.worker;
    });
    if (child == children_.end()) return;
    switch (message.kind) {
    case control_kind::started:
        (*child)->pid = message.pid;
        (*child)->spare_call.reset();
        return;
    case control_kind::not_started:
        (*child)->start_error = std::strerror(message.value);
        children_.erase(child);
        return;
    case control_kind::exited:
        (*child)->exit_code = exit_code_of(message.value);
        dead_.push_back(std::move(*child));
        children_.erase(child);
        return;
    default: return;
    }
}

/// And with it all its children. Who waits for a start gets another server, once, unless this program
/// serves nobody.
void process_host::server_ended() {
    int const status = server_.end();
    bool const serves = server_answered_ || WIFSIGNALED(status);
    for (auto& c : std::exchange(children_, {})) {
        if (c->pid != 0) {
            c->exit_code = -SIGKILL;
            dead_.push_back(std::move(c));
        } else if (serves && c->spare_call) {
            server_.start_program(c->id, std::move(c->spare_call));
            children_.push_back(std::move(c));
        } else {
            c->start_error = serves ? describe_server_end(status) : describe_missing_hook(status);
        }
    }
}

/// No process is there yet.
void process_host::give_up_starts(const char* why) {
    server_.end();
    for (const auto& c : children_) c->start_error = why;
    children_.clear();
}

}  // namespace green::detail
