#pragma once

#include <green/core/intrusive_list.hpp>
#include <green/dns/detail/dns_answer.hpp>
#include <green/dns/detail/named_block.hpp>
#include <green/dns/detail/question_key.hpp>
#include <green/dns/detail/wire.hpp>
#include <green/loop/timer_queue.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace green::detail {

class question;
class question_wait;

/// Who a question belongs to: sends it, and is told when it has ended.
class question_owner {
public:
    virtual wire_engine& engine() = 0;
    virtual std::size_t first_server() noexcept = 0;
    virtual int tries() const noexcept = 0;
    virtual std::chrono::nanoseconds try_timeout() const noexcept = 0;
    /// It is done: answered, failed or closed. It must not be found any more.
    virtual void ended(question& q) noexcept = 0;

protected:
    ~question_owner() = default;
};

/// A lookup's place at a question that it waits for.
class question_seat : public list_node<question_seat> {
public:
    /// The question is done.
    void answered() noexcept;

    question_wait* wait = nullptr;
};

/// What became of asking one server once.
struct question_try {
    std::uint32_t server;  // its index
    clock::time_point start;  // when it left for the server
    std::chrono::nanoseconds took;
    std::optional<dns_errc> error;  // empty, not_found and no_data: it answered
};

/// One name and type, asked until a server answers or the tries are used up; shared by all lookups
/// that want it. Each try goes to another server, the sick ones last, and waits twice as long as the
/// one before, up to four times the first; each up to a fifth longer, by chance, so that what was lost
/// together is not sent again together. When all servers have failed at once it waits a moment.
///
///     ask ──► answered ─────────────────────────────────► done
///      ▲ └──► timed out, unreachable, server failed ──┬──► done (tries used up)
///      ├──────────── next server ◄────────────────────┤
///      └─── pause ◄── all servers have refused ◄──────┘
///
/// Nobody wants it any more: what waits for a place in the window is closed; a query at a server runs
/// on, so that its answer is known to the next who asks, but is not tried again.
///
/// On the heap; it deletes itself once it is done and nobody wants it.
class question final : private wire_query, private timer, public named_block<question> {
public:
    question(question_owner& owner, const question_key& what) noexcept;

    void ask() noexcept;
    /// Ends it without an answer.
    void close() noexcept;

    bool done() const noexcept { return done_; }
    bool closed() const noexcept { return closed_; }
    question_key key() const noexcept { return {name, type, hash_}; }
    std::size_t hash() const noexcept { return hash_; }
    /// Waits for a place in the window.
    using wire_query::queued;
    unsigned tries_made() const noexcept { return tries_; }
    /// All tries so far, in order; one that is under way took until now.
    std::vector<question_try> tries() const;
    /// The one that is being asked, or was last.
    std::size_t server() const noexcept { return server_; }
    /// Once it is done and not closed.
    const dns_answer& result() const noexcept { return result_; }
    /// Once it is done: when.
    clock::time_point ended_at() const noexcept { return ended_at_; }
    /// Failed with tries left, for nobody wanted it any more.
    bool given_up() const noexcept { return given_up_; }

    void take_seat(question_seat& seat) noexcept { seats_.push_back(seat); }
    void leave_seat(question_seat& seat) noexcept { seats_.remove(seat); }

private:
    friend class question_ref;
    friend named_block<question>;
    ~question();

    std::size_t block_size() const noexcept { return size_with(name); }
    void hold() noexcept { ++holders_; }
    void drop() noexcept;
    void sent(clock::time_point now) noexcept override;
    void received(dns_message&& answer, std::span<const std::byte> packet) override;
    void completed(clock::time_point now) noexcept override { tried(now); }
    void expired() noexcept override;
    void tried(clock::time_point now) noexcept;
    void try_again() noexcept;
    question_try this_try() const noexcept;
    void arm(clock::time_point from, std::chrono::nanoseconds least) noexcept;
    void finish() noexcept;

    std::uint32_t server_;  // first: it fits behind the timer's members
    question_owner& owner_;
    const std::size_t hash_;
    intrusive_list<question_seat> seats_;
    dns_answer result_;
    std::vector<question_try> failed_;  // all tries but the last
    clock::time_point sent_at_ = clock::time_point::max();
    clock::time_point ended_at_ = clock::time_point::max();
    std::uint64_t asked_ = 0;  // servers, see wire_engine::choose
    unsigned tries_ = 0;
    unsigned holders_ = 0;
    bool pausing_ = false;
    bool done_ = false;
    bool closed_ = false;
    bool given_up_ = false;
};

/// Somebody wants the question: a lookup, or who keeps a stale answer fresh.
class question_ref {
public:
    question_ref() = default;
    explicit question_ref(question& q) noexcept : question_(&q) { q.hold(); }
    question_ref(question_ref&& other) noexcept
        : question_(std::exchange(other.question_, nullptr)) {}
    question_ref& operator=(question_ref&& other) noexcept {
        std::swap(question_, other.question_);
        return *this;
    }
    ~question_ref() {
        if (question_) question_->drop();
    }

    explicit operator bool() const noexcept { return question_ != nullptr; }
    question& operator*() const noexcept { return *question_; }
    question* operator->() const noexcept { return question_; }

private:
    question* question_ = nullptr;
};

}  // namespace green::detail
