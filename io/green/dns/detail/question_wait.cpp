#include <green/dns/detail/question_wait.hpp>

#include <green/core/scheduler.hpp>
#include <green/loop/loop_core.hpp>

#include <algorithm>
#include <utility>

namespace green::detail {

void question_seat::answered() noexcept { wait->answered(); }

void question_wait::clear() noexcept {
    for (std::size_t i = 0; i < count_; ++i) question_ref(std::move(questions_[i]));
    count_ = 0;
}

bool question_wait::ready() const noexcept {
    return std::all_of(questions_.begin(), questions_.begin() + count_, [](const question_ref& q) {
        return q->done();
    });
}

void question_wait::start() noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
        if (questions_[i]->done()) continue;
        seats_[i].wait = this;
        questions_[i]->take_seat(seats_[i]);
    }
    limit(deadline_);
}

void question_wait::answered() noexcept {
    if (ready()) return end();
    auto const has_answer = [](const question_ref& q) {
        return q && q->done() && !q->result().error;
    };
    if (!std::any_of(questions_.begin(), questions_.end(), has_answer)) return;
    limit(std::min(deadline_, saturating_add(loop_core::current()->now(), patience_)));
}

void question_wait::limit(clock::time_point when) noexcept {
    timer_queue& timers = loop_core::current()->timers();
    if (armed()) timers.disarm(*this);
    if (when != clock::time_point::max()) timers.arm_limit(*this, when);
}

void question_wait::leave() noexcept {
    if (armed()) loop_core::current()->timers().disarm(*this);
    for (std::size_t i = 0; i < count_; ++i) {
        if (seats_[i].linked()) questions_[i]->leave_seat(seats_[i]);
    }
}

void question_wait::end() noexcept {
    leave();
    waiter().wake();
}

bool question_wait::cancel() noexcept {
    leave();
    clear();
    return true;
}

void question_wait::describe(std::string& out) const {
    out += "query ";
    for (std::size_t i = 0; i < count_; ++i) {
        question const& q = *questions_[i];
        if (i != 0) out += ", ";
        out += to_string(q.key().type()) + ' ';
        out += q.key().name();
        out += " (try " + std::to_string(q.tries_made()) + ")";
    }
}

}  // namespace green::detail
