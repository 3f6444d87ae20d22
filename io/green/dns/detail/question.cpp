#include <green/dns/detail/question.hpp>

#include <green/core/trace_sink.hpp>
#include <green/dns/detail/message_question.hpp>
#include <green/loop/loop_core.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace green::detail {
namespace {

constexpr unsigned most_doublings = 2;
constexpr std::chrono::milliseconds shortest_pause{100};

}  // namespace

question::question(question_owner& owner, const question_key& what) noexcept
    : wire_query(copy_of(what.name()), what.type()),
      server_(static_cast<std::uint32_t>(owner.first_server())),
      owner_(owner),
      hash_(what.hash()) {}

question::~question() {
    if (armed()) loop_core::current()->timers().disarm(*this);
}

void question::ask() noexcept {
    wire_engine& engine = owner_.engine();
    server_ = static_cast<std::uint32_t>(engine.choose(server_, asked_));
    if (++tries_ == 1) {
        if (trace_sink* const trace = trace_sink::active()) {
            trace->begin_async("dns", this, to_string(type) + ' ' + std::string(name));
        }
    }
    if (!engine.start(*this, server_)) {
        closed_ = true;
        finish();
    }
}

/// A try's time runs from here: a question that waits its turn is not late.
void question::sent(clock::time_point now) noexcept {
    sent_at_ = now;
    arm(sent_at_, owner_.try_timeout() * (1 << std::min(tries_ - 1, most_doublings)));
}

/// Expires `least` after `from` or up to a fifth later.
void question::arm(clock::time_point from, std::chrono::nanoseconds least) noexcept {
    loop_core& core = *loop_core::current();
    auto const share = static_cast<std::int64_t>(core.draw() % 1000);
    if (armed()) core.timers().disarm(*this);
    core.timers().arm_limit(*this, saturating_add(from, least + least / 5000 * share));
}

void question::close() noexcept {
    if (done_) return;
    wire_engine::abandon(*this);
    closed_ = true;
    finish();
}

/// Takes what this try has brought.
void question::received(dns_message&& answer, std::span<const std::byte> packet) {
    result_.error = error_of(answer);
    if (result_.failure()) return;
    result_.ttl = result_.error ? answer.negative_ttl : answer.ttl;
    if (result_.error) return;
    dns_records found;
    if (type == record_type::a || type == record_type::aaaa) {
        found.addresses = std::move(answer.addresses);
    } else {
        found.packet.assign(packet.begin(), packet.end());
        fold_case(found.packet);
    }
    result_.records = std::make_shared<const dns_records>(std::move(found));
}

void question::expired() noexcept {
    if (std::exchange(pausing_, false)) return ask();
    // A loop that was kept busy may find the answer and the timeout at the same time.
    if (wire_engine::has_arrived(*this)) return;
    wire_engine::give_up(*this);
    status = wire_status::timed_out;
    tried(loop_core::current()->now());
}

void question::tried(clock::time_point now) noexcept {
    if (armed()) loop_core::current()->timers().disarm(*this);
    ended_at_ = now;
    if (status != wire_status::answered) result_.error = error_of(status);
    result_.server = static_cast<std::uint16_t>(server_);
    result_.tries = static_cast<std::uint16_t>(std::min(tries_, 0xffffU));
    closed_ = status == wire_status::closed;
    bool const hopeless = closed_ || result_.error == dns_errc::bad_name;
    bool const again = result_.failure() && !hopeless && static_cast<int>(tries_) < owner_.tries();
    given_up_ = again && holders_ == 0;
    if (again && !given_up_)
        try_again();
    else
        finish();
}

void question::try_again() noexcept {
    try {
        failed_.push_back(this_try());
    } catch (...) {  // out of memory: it is told of no more
    }
    auto const end = std::exchange(ended_at_, clock::time_point::max());
    sent_at_ = clock::time_point::max();
    std::size_t const servers = owner_.engine().servers();
    server_ = static_cast<std::uint32_t>((server_ + 1) % servers);
    bool const all_asked = static_cast<std::size_t>(std::popcount(asked_)) >= servers;
    if (!all_asked || result_.error == dns_errc::timeout) return ask();
    pausing_ = true;
    arm(end, shortest_pause * (1 << std::min(tries_ - 1, most_doublings)));
}

question_try question::this_try() const noexcept {
    auto const end = std::min(ended_at_, loop_core::current()->now());
    auto const start = std::min(sent_at_, end);  // later: it still waits its turn
    return {server_, start, end - start, result_.error};
}

std::vector<question_try> question::tries() const {
    std::vector<question_try> all = failed_;
    if (!pausing_) all.push_back(this_try());
    return all;
}

void question::finish() noexcept {
    if (armed()) loop_core::current()->timers().disarm(*this);
    done_ = true;
    if (trace_sink* const trace = trace_sink::active()) trace->end_async("dns", this);
    while (question_seat* const seat = seats_.pop_front()) seat->answered();
    owner_.ended(*this);
    if (holders_ == 0) delete this;
}

void question::drop() noexcept {
    if (--holders_ != 0) return;
    if (done_ || tries_ == 0)
        delete this;
    else if (queued() || pausing_)
        close();
}

}  // namespace green::detail
