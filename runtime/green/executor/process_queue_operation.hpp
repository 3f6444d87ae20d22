#pragma once

// Internal: what the operations of a process_queue have in common, whatever its items are.

#include <green/executor/process_queue_port.hpp>
#include <green/executor/process_queue_request.hpp>
#include <green/sync/thread_wait.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

namespace green::detail {

/// Does it at once or, with a limit, blocks. False: there was no room, or no item. closed_error.
bool perform(queue_port& port, queue_request& r, std::chrono::nanoseconds limit);

/// std::logic_error, closed_error.
void task_done(queue_port& port);

/// A new queue; `maxsize` 0 is unbounded.
std::shared_ptr<queue_port> make_queue_for_program(std::size_t maxsize);

/// An operation that a green task awaits, or for which a thread has blocked already.
class queue_operation : public thread_operation {
public:
    bool ready();
    void start();
    bool cancel() noexcept override;

protected:
    queue_operation(std::shared_ptr<queue_port> port, queue_verb verb, byte_buffer item = {});
    queue_operation(queue_operation&&) = default;
    ~queue_operation() = default;

    queue_port& port() const noexcept { return *port_; }
    queue_request& request() noexcept { return request_; }
    /// A blocking thread, or the task, looks what has become of it.
    void check() const { check_outcome(request_, *port_); }

private:
    bool withdrawn() const noexcept override {
        return request_.outcome == queue_outcome::withdrawn;
    }

    std::shared_ptr<queue_port> port_;
    queue_request request_;
};

}  // namespace green::detail
