#include <green/dns/detail/question.hpp>

#include <green/core/trace_sink.hpp>
#include <green/loop/loop_core.hpp>

#include <utility>

namespace green::detail {

question::question(question_owner& owner, const question_key& what)
    : wire_query(std::string(what.name()), what.type(), &question::completed),
      owner_(owner),
      key_(name, what),
      server_(owner.first_server()) {
    sent = &question::left_queue;
    keep_packet = type != record_type::a && type != record_type::aaaa;
}

question::~question() {
    if (armed()) loop_core::current()->timers().disarm(*this);
}

void question::ask() noexcept {
    if (++tries_ == 1) {
        if (trace_sink* const trace = trace_sink::active()) {
            trace->begin_async("dns", this, to_string(type) + ' ' + name);
        }
    }
    if (!owner_.engine().start(*this, server_)) {
        closed_ = true;
        finish();
    }
}

/// A try's time runs from here: a question that waits its turn is not late. c-ares has a timeout of
/// its own, of the same length; this one follows the loop's clock, and c-ares may lose a query.
void question::left_queue(wire_query& q) noexcept {
    auto& self = static_cast<question&>(q);
    loop_core& core = *loop_core::current();
    core.timers().arm_limit(self, saturating_add(core.now(), self.owner_.try_timeout()));
}

void question::close() noexcept {
    if (done_) return;
    wire_engine::abandon(*this);
    closed_ = true;
    finish();
}

void question::completed(wire_query& q) noexcept { static_cast<question&>(q).tried(); }

/// This try took too long by the loop's clock. The query runs on without us.
void question::expired() noexcept {
    wire_engine::abandon(*this);
    status = wire_status::timed_out;
    tried();
}

void question::tried() noexcept {
    loop_core::current()->timers().disarm(*this);
    conclude();
    closed_ = status == wire_status::closed;
    bool const hopeless = closed_ || result_.error == dns_errc::bad_name;
    bool const again = result_.failure() && !hopeless && static_cast<int>(tries_) < owner_.tries();
    given_up_ = again && holders_ == 0;
    if (!again || given_up_) return finish();
    server_ = (server_ + 1) % owner_.engine().servers();
    ask();
}

/// Takes what this try has brought.
void question::conclude() noexcept {
    result_.error = wire_error(*this);
    result_.server = static_cast<std::uint32_t>(server_);
    result_.tries = tries_;
    if (result_.failure()) return;
    result_.ttl = result_.error ? answer.negative_ttl : answer.ttl;
    result_.addresses = std::move(answer.addresses);
    result_.packet = std::move(packet);
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
    else if (queued())
        close();
}

}  // namespace green::detail
