#pragma once

#include <green/core/scheduler.hpp>
#include <green/dns/detail/wire.hpp>
#include <green/loop/timer_queue.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace green::detail {

class question;
class question_wait;

/// Who a question belongs to: sends it, and is told when nobody needs it any more.
class question_owner {
public:
    virtual wire_engine& engine() = 0;
    virtual std::size_t first_server() noexcept = 0;
    virtual int tries() const noexcept = 0;
    virtual std::chrono::nanoseconds try_timeout() const noexcept = 0;
    /// It is answered, or nobody waits for it: it must not be found any more.
    virtual void retire(question& q) noexcept = 0;

protected:
    ~question_owner() = default;
};

/// One name and type, asked until a server answers or the tries are used up; shared by all lookups
/// that want it. `tries` queries go to one server after the other.
///
///     ask ──► answered ─────────────────────────────────► done
///      ▲ └──► timed out, unreachable, server failed ──┬──► done (tries used up)
///      └──────────── next server ◄────────────────────┘
class question final : private wire_query, private timer {
public:
    question(question_owner& owner, std::string name, record_type type);
    ~question();

    void ask() noexcept;
    /// Ends it without an answer.
    void close() noexcept;

    bool done() const noexcept { return done_; }
    bool closed() const noexcept { return closed_; }
    const std::string& host() const noexcept { return name; }
    record_type kind() const noexcept { return type; }
    /// Why there is no address; empty when there are some.
    std::optional<dns_errc> error() const noexcept { return error_; }
    const dns_message& reply() const noexcept { return answer; }
    unsigned tries_made() const noexcept { return tries_; }
    std::size_t last_server() const noexcept { return server_; }

private:
    friend question_wait;

    static void left_queue(wire_query& q) noexcept;
    static void completed(wire_query& q) noexcept;
    void expired() noexcept override;
    void tried() noexcept;
    void finish() noexcept;

    question_owner& owner_;
    intrusive_list<question_wait> waits_;
    std::optional<dns_errc> error_;
    std::size_t server_ = 0;
    unsigned tries_ = 0;
    bool done_ = false;
    bool closed_ = false;
};

/// A lookup's wait for a question. The last one to leave an unanswered question retires it.
class question_wait final : public leaf, public list_node<question_wait> {
public:
    explicit question_wait(std::shared_ptr<question> q) noexcept : question_(std::move(q)) {}

    bool ready() const noexcept { return question_->done(); }
    void start() noexcept { question_->waits_.push_back(*this); }
    void result() const noexcept {}
    bool cancel() noexcept override;
    void describe(std::string& out) const override;

    /// The question is done.
    void wake() noexcept { waiter().wake(); }

private:
    std::shared_ptr<question> question_;
};

}  // namespace green::detail
