#include <green/executor/process_queue.hpp>

#include <green/executor/process_worker_main.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace green::detail {
namespace {

[[noreturn]] void throw_too_many_done(const queue_port& port) {
    std::string what = "green: process_queue.task_done";
    if (!port.name().empty()) what.append(" of '").append(port.name()).append("'");
    throw std::logic_error(what + ": called more often than this process has got items");
}

}  // namespace

bool perform(queue_port& port, queue_request& r, std::chrono::nanoseconds limit) {
    port.perform(r, limit);
    check_outcome(r, port);
    return r.outcome == queue_outcome::done;
}

void task_done(queue_port& port) {
    queue_request r(queue_verb::task_done);
    switch (port.task_done()) {
    case queue_port::done_result::accepted: return;
    case queue_port::done_result::too_many: throw_too_many_done(port);
    case queue_port::done_result::gone: r.outcome = queue_outcome::gone; check_outcome(r, port);
    }
}

std::shared_ptr<queue_port> make_queue_for_program(std::size_t maxsize) {
    refuse_unplayed_role();
    return make_queue(maxsize == 0 ? static_cast<std::size_t>(-1) : maxsize);
}

queue_operation::queue_operation(
    std::shared_ptr<queue_port> port, queue_verb verb, byte_buffer item
)
    : thread_operation(name_of(verb), *port),
      port_(std::move(port)),
      request_(verb, std::move(item)) {
    if (to_be_awaited()) return;
    port_->perform(request_, forever);
    check();
}

bool queue_operation::ready() {
    being_awaited();
    return port_->attempt(request_);
}

void queue_operation::start() {
    expect_wake();
    try {
        // Others may have come between ready() and this.
        if (port_->begin(request_, *this)) wake();
    } catch (...) {
        leave();
        throw;
    }
}

bool queue_operation::cancel() noexcept {
    if (!port_->withdraw(request_)) return false;
    leave();
    return true;
}

}  // namespace green::detail
