#pragma once

// Internal: a process_queue, seen from a process: its owner has the items (queue_hub), all others ask
// the owner (queue_link).

#include <green/core/named.hpp>
#include <green/executor/process_queue_request.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <sys/types.h>

namespace green::detail {

class queue_port : public named {
public:
    queue_port(const queue_port&) = delete;
    queue_port& operator=(const queue_port&) = delete;
    virtual ~queue_port() = default;

    /// Does what can be done without waiting and without another process; whether it is over.
    virtual bool attempt(queue_request& r) = 0;
    /// Begins. True: it is over. Otherwise `w` is woken when it is.
    virtual bool begin(queue_request& r, thread_waker& w) = 0;
    /// Asks that it ends. True: nothing has happened, and nobody is woken. Otherwise it is over already
    /// or will be soon, perhaps as `withdrawn`; the wake is on its way.
    virtual bool withdraw(queue_request& r) noexcept = 0;
    /// Does it, and blocks this thread until it is over or `limit` is, and then it is `nothing`.
    /// std::logic_error if that would block the thread of a loop for longer than the owner takes to answer.
    virtual void perform(queue_request& r, std::chrono::nanoseconds limit) = 0;

    enum class done_result : std::uint8_t { accepted, too_many, gone };
    /// One of the items that this process has got is dealt with.
    virtual done_result task_done() = 0;

    const std::string& address() const noexcept { return address_; }
    /// The process that made the queue; 0 if it is not known.
    pid_t owner() const noexcept { return owner_; }

protected:
    explicit queue_port(std::string address) : address_(std::move(address)) {}
    void set_owner(pid_t pid) noexcept { owner_ = pid; }

private:
    std::string address_;
    pid_t owner_ = 0;
};

/// A new queue that this process owns. std::system_error if there are no descriptors, executor_error
/// if there is no thread.
std::shared_ptr<queue_port> make_queue(std::size_t capacity);

/// The queue of this address, called `name` if this process has not met it. If its owner cannot be
/// reached, all that is asked of it is `gone`. std::system_error if no descriptor is left.
std::shared_ptr<queue_port> find_queue(const std::string& address, const std::string& name);

/// The name of a request in dumps and errors.
const char* name_of(queue_verb verb) noexcept;

/// Throws what has become of a request unless it is done, or nothing.
void check_outcome(const queue_request& r, const queue_port& port);

}  // namespace green::detail
