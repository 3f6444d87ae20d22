#include <green/dns/detail/question.hpp>

#include <green/core/scheduler.hpp>
#include <green/core/trace_sink.hpp>
#include <green/loop/loop_core.hpp>

namespace green::detail {

question::question(question_owner& owner, std::string name, record_type type)
    : wire_query(std::move(name), type, &question::completed),
      owner_(owner),
      server_(owner.first_server()) {
    sent = &question::left_queue;
}

question::~question() {
    if (armed()) loop_core::current()->timers().disarm(*this);
}

void question::ask() noexcept {
    if (++tries_ == 1) {
        if (trace_sink* const trace = trace_sink::active()) {
            trace->begin_async("dns", this, (type == record_type::aaaa ? "AAAA " : "A ") + host());
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
    error_ = wire_error(*this);
    closed_ = status == wire_status::closed;
    bool const answered = !error_ || *error_ == dns_errc::not_found || *error_ == dns_errc::no_data;
    bool const hopeless = closed_ || error_ == dns_errc::bad_name;
    if (answered || hopeless || static_cast<int>(tries_) >= owner_.tries()) return finish();
    server_ = (server_ + 1) % owner_.engine().servers();
    ask();
}

void question::finish() noexcept {
    if (armed()) loop_core::current()->timers().disarm(*this);
    done_ = true;
    if (trace_sink* const trace = trace_sink::active()) trace->end_async("dns", this);
    while (question_wait* w = waits_.pop_front()) w->wake();
    owner_.retire(*this);  // may be the end of this
}

bool question_wait::cancel() noexcept {
    question_->waits_.remove(*this);
    if (question_->waits_.empty()) question_->close();
    return true;
}

void question_wait::describe(std::string& out) const {
    out += question_->kind() == record_type::aaaa ? "query AAAA " : "query A ";
    out += question_->host();
    out += " (try " + std::to_string(question_->tries_made()) + ")";
}

}  // namespace green::detail
