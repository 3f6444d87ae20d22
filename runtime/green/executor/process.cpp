#include <green/executor/process.hpp>

#include <green/core/errors.hpp>
#include <green/executor/process_host.hpp>

#include <csignal>

namespace green {

process process::start_call(const byte_buffer& call, process_options options) {
    detail::refuse_unplayed_role();
    return process(detail::process_host::instance().start(call, options.daemon));
}

const detail::child_process& process::child() const {
    if (!child_) detail::throw_logic_error("green: this process was closed, or moved from");
    return *child_;
}

future<int> process::ended() const { return detail::future_access::make<int>(child().end); }

void process::terminate() const { detail::process_host::instance().send_signal(child(), SIGTERM); }
void process::kill() const { detail::process_host::instance().send_signal(child(), SIGKILL); }

pid_t process::pid() const { return child().pid; }

std::optional<int> process::exit_code() const {
    future<int> const status = ended();
    return status.done() ? std::optional(status.result()) : std::nullopt;
}

bool process::daemon() const { return child().daemon; }

void process::close() {
    if (is_alive())
        detail::throw_logic_error("green: process::close: the process is alive; join it");
    child_.reset();
}

}  // namespace green
