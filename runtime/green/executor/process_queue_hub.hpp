#pragma once

// Internal: a process_queue in the process that has made it.

#include <green/executor/descriptor.hpp>
#include <green/executor/frame_channel.hpp>
#include <green/executor/process_queue_port.hpp>
#include <green/executor/process_queue_service.hpp>
#include <green/executor/process_queue_wire.hpp>
#include <green/sync/ring_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <sys/types.h>

namespace green::detail {

//     this process                               another process
//     ────────────                               ───────────────
//     process_queue ──► queue_hub                process_queue ──► queue_link
//                        items, who waits                            who waits, how many items it holds
//                        queue_peer ◄──── one AF_UNIX connection ────┘
//
// All that can be torn by the death of a process is its own: the items, the order and the account of
// what is unfinished are in the owner alone, and no lock is shared. A peer is seen to end by the end of
// its connection, which it keeps as long as it holds an item.

class queue_hub;

/// One other process. Under the hub's mutex, but for what never changes.
struct queue_peer final : socket_watcher {
    queue_peer(queue_hub& h, descriptor s, pid_t p) : hub(h), socket(std::move(s)), pid(p) {}
    void on_ready(std::uint32_t events) noexcept override;

    queue_hub& hub;
    descriptor const socket;
    pid_t const pid;
    std::uint64_t watch = 0;
    frame_reader in;
    frame_writer out;
    std::size_t held = 0;  // items that it has got and not called done
    bool takes_items = false;
    std::unordered_map<std::uint64_t, queue_request> waiting;
    bool has_answers = false;  // in the hub's list of those to write to
    bool wants_room = false;
};

class queue_hub final : public queue_port, private socket_watcher {
public:
    explicit queue_hub(std::size_t capacity);
    ~queue_hub() override;

    bool attempt(queue_request& r) override;
    bool begin(queue_request& r, thread_waker& w) override;
    bool withdraw(queue_request& r) noexcept override;
    void perform(queue_request& r, std::chrono::nanoseconds limit) override;
    done_result task_done() override;

private:
    friend struct queue_peer;
    using waiters = intrusive_list<queue_request>;
    struct death {
        pid_t pid;
        std::size_t items;
    };

    // Who connects.
    void on_ready(std::uint32_t events) noexcept override;
    void admit(descriptor socket);
    void turn_away() noexcept;

    // What a peer says. False: that is none of ours, or has ended.
    void hear(queue_peer& peer) noexcept;
    bool read(queue_peer& peer);
    bool obey(queue_peer& peer, frame& f);
    bool request(queue_peer& peer, queue_tag tag, frame& f);
    void answer(queue_peer& peer, queue_request& r) noexcept;
    void write_to(queue_peer& peer) noexcept;
    void write_answers() noexcept;
    void bury(queue_peer& peer) noexcept;
    void drop(queue_peer& peer) noexcept;

    bool is_gone(queue_request& r) const noexcept;

    // The queue. `serve`: whether the request is over.
    bool serve(queue_request& r);
    bool serve_put(queue_request& r);
    bool serve_get(queue_request& r);
    bool serve_join(queue_request& r);
    void serve_close(bool discard);
    queue_figures figures() const noexcept;
    waiters& waiters_of(queue_verb verb) noexcept;
    void hand_over(queue_request& getter, byte_buffer&& item) noexcept;
    static void conclude(queue_request& r, queue_outcome outcome) noexcept;
    void conclude_all(waiters& all, queue_outcome outcome) noexcept;
    std::size_t unfinished() const noexcept { return accepted_ - finished_; }
    void finish(std::size_t count) noexcept;
    void report_death(death d) noexcept;

    std::mutex mutex_;
    std::size_t const capacity_;
    ring_buffer<byte_buffer> items_;
    waiters putters_;
    waiters getters_;
    waiters joiners_;
    std::size_t accepted_ = 0;
    std::size_t finished_ = 0;  // called done, dropped, or lost
    std::size_t held_ = 0;  // by this process
    bool closed_ = false;
    std::deque<death> deaths_;  // that no join has told of
    std::list<queue_peer> peers_;
    std::vector<queue_peer*> answered_;
    descriptor listener_;
    descriptor spare_;  // given up to turn away a process for whom there is no descriptor
    std::shared_ptr<queue_service> const service_;
    std::uint64_t watch_ = 0;
};

}  // namespace green::detail
