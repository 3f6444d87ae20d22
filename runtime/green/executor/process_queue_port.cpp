#include <green/executor/process_queue_port.hpp>

#include <green/core/errors.hpp>
#include <green/executor/peer_died.hpp>
#include <green/executor/process_queue_hub.hpp>
#include <green/executor/process_queue_link.hpp>
#include <green/sync/exchange.hpp>

#include <map>
#include <mutex>
#include <string>

namespace green::detail {
namespace {

/// The queues that this process knows, by their address: so a queue that comes back to its owner is the
/// queue itself, and all handles of one queue in a process share a connection.
class known_queues {
public:
    /// Never destroyed: a queue may be used while the program exits.
    static known_queues& instance() {
        static known_queues& known = *new known_queues;
        return known;
    }

    void add(const std::shared_ptr<queue_port>& own) {
        std::lock_guard const lock(mutex_);
        std::erase_if(own_, [](const auto& entry) { return entry.second.expired(); });
        own_[own->address()] = own;
    }

    std::shared_ptr<queue_port> find(const std::string& address, const std::string& name) {
        std::lock_guard const lock(mutex_);
        auto const own = own_.find(address);
        if (own != own_.end()) {
            if (std::shared_ptr<queue_port> port = own->second.lock()) return port;
        }
        auto const other = others_.find(address);
        if (other != others_.end()) return queue_link::use(other->second);
        // A connection ends with its process, or here: for the owner the end of one that holds an item
        // is the death of a process.
        std::erase_if(others_, [](const auto& entry) {
            return entry.second.use_count() == 1 && entry.second->idle();
        });
        auto link = std::make_shared<queue_link>(address);
        link->set_name(name);
        return queue_link::use(others_[address] = std::move(link));
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<queue_port>> own_;
    std::map<std::string, std::shared_ptr<queue_link>> others_;
};

[[noreturn]] void throw_gone(const queue_request& r, const queue_port& port) {
    std::string what = name_of(r.verb);
    if (!port.name().empty()) what.append(" of '").append(port.name()).append("'");
    what += ": closed: the process that made it";
    if (port.owner() != 0) what += ", " + std::to_string(port.owner()) + ",";
    throw closed_error(what + " is gone, or has dropped it");
}

[[noreturn]] void throw_peer_died(const queue_figures& f) {
    std::string const who = "process " + std::to_string(f.dead);
    std::string const what = f.lost == 0 ? " ended while it took items"
        : f.lost == 1
        ? " ended with an item that it had not called done"
        : " ended with " + std::to_string(f.lost) + " items that it had not called done";
    throw peer_died("process_queue.join: " + who + what, f.dead, f.lost);
}

}  // namespace

std::shared_ptr<queue_port> make_queue(std::size_t capacity) {
    auto hub = std::make_shared<queue_hub>(capacity);
    known_queues::instance().add(hub);
    return hub;
}

std::shared_ptr<queue_port> find_queue(const std::string& address, const std::string& name) {
    return known_queues::instance().find(address, name);
}

const char* name_of(queue_verb verb) noexcept {
    switch (verb) {
    case queue_verb::put: return "process_queue.put";
    case queue_verb::get: return "process_queue.get";
    case queue_verb::join: return "process_queue.join";
    case queue_verb::task_done: return "process_queue.task_done";
    case queue_verb::close:
    case queue_verb::discard: return "process_queue.close";
    default: return "process_queue";
    }
}

void check_outcome(const queue_request& r, const queue_port& port) {
    switch (r.outcome) {
    case queue_outcome::closed: throw_closed(port, name_of(r.verb));
    case queue_outcome::gone: throw_gone(r, port);
    case queue_outcome::peer_died: throw_peer_died(r.figures);
    default: return;
    }
}

}  // namespace green::detail
