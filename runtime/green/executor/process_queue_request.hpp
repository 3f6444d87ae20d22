#pragma once

// Internal: what is asked of a process_queue, and what comes back.

#include <green/core/intrusive_list.hpp>
#include <green/executor/byte_buffer.hpp>
#include <green/sync/thread_wait.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace green::detail {

enum class queue_verb : std::uint8_t {
    put,  // with the item
    get,
    join,
    task_done,  // is not answered
    leave,  // takes no items for the present; is not answered
    close,
    discard,  // close, and drop the items
    look,  // how large it is, and so on
    withdraw,  // the request with this number, if it still waits; is not answered itself
};

enum class queue_outcome : std::uint8_t {
    waiting,
    done,  // get: with the item. look: with the figures
    nothing,  // there is no room, or no item, and the request was not to wait
    closed,
    peer_died,  // join: with the figures
    withdrawn,
    gone,  // so is the process that made the queue
};

/// The answer to `look`, and to a join that has failed.
struct queue_figures {
    std::uint64_t size = 0;
    std::uint64_t capacity = 0;
    std::uint64_t unfinished = 0;
    std::uint64_t lost = 0;  // items of the process that died
    std::int32_t dead = 0;  // its pid
    std::uint32_t closed = 0;
};

struct queue_peer;

/// One operation, from its begin to its outcome. Whoever waits for it owns it.
struct queue_request : list_node<queue_request> {
    explicit queue_request(queue_verb v, byte_buffer sent = {}) : verb(v), item(std::move(sent)) {}
    /// Before it has begun, or when it is over.
    queue_request(queue_request&& o) noexcept
        : list_node(),
          verb(o.verb),
          may_wait(o.may_wait),
          outcome(o.outcome),
          item(std::move(o.item)),
          figures(o.figures) {}
    queue_request& operator=(queue_request&&) = delete;
    ~queue_request() = default;

    bool waits() const noexcept { return outcome == queue_outcome::waiting; }

    queue_verb verb;
    bool may_wait = true;
    queue_outcome outcome = queue_outcome::waiting;
    byte_buffer item;
    queue_figures figures;
    std::uint64_t id = 0;  // of the process that asks
    thread_waker* waker = nullptr;  // in that process
    queue_peer* peer = nullptr;  // in the owner: that process
};

}  // namespace green::detail
