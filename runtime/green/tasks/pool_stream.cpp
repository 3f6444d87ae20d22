#include <green/tasks/pool_stream.hpp>

#include <algorithm>

namespace green::detail {

imap_items::~imap_items() {
    for (auto* list : {&running_, &queue_}) {
        while (item* const i = list->pop_front()) {
            if (!i->task->ended()) {
                i->task->joiners().remove(*i);
                i->task->request_cancel("its stream is gone", std::source_location::current());
            }
            delete i;
        }
    }
}

bool imap_items::take_place() { return begun_ < place_.pool().limit() && place_.try_take(); }

void imap_items::begin(green_task& t) {
    place_.pass_to(t);
    auto* const i = new item(*this, t);
    t.joiners().push_back(*i);
    (in_order_ ? queue_ : running_).push_back(*i);
    ++begun_;
    ++running_count_;
}

task_ref<green_task> imap_items::take_ended() noexcept {
    item* const i = queue_.front();
    if (!i || !i->task->ended()) return {};
    queue_.remove(*i);
    --begun_;
    task_ref<green_task> ended = std::move(i->task);
    delete i;
    return ended;
}

void imap_items::stop(std::string_view reason) noexcept {
    stopping_ = true;
    for (auto* list : {&running_, &queue_}) {
        for (item* i = list->front(); i; i = list->after(*i)) {
            i->task->request_cancel(reason, std::source_location::current());
        }
    }
}

void imap_items::throw_errors(std::exception_ptr error) {
    std::vector<std::exception_ptr> errors;
    if (error) errors.push_back(std::move(error));
    for (item* i = queue_.front(); i; i = queue_.after(*i)) {
        if (!i->task->failed()) continue;
        i->task->mark_observed();
        errors.push_back(i->task->error());
    }
    if (errors.empty()) throw cancelled_error(std::string(operation_) + ": it was cancelled");
    throw_all(std::move(errors));
}

bool imap_items::ready() const noexcept {
    if (stopping_) return running_count_ == 0;
    return queue_.front() && queue_.front()->task->ended();
}

void imap_items::start() {
    if (!stopping_ && wants_place_ && begun_ < std::max<std::size_t>(place_.pool().limit(), 1)) {
        place_.pool().wait_for_place(*this, running_count_ == 0, operation_);
        queued_ = true;
    }
    waiting_ = true;
}

void imap_items::result() {
    if (closed_) place_.pool().throw_closed();
}

bool imap_items::cancel() noexcept {
    if (std::exchange(queued_, false)) place_.pool().forget(*this);
    if (!stopping_) {
        by_cancel_ = true;
        const cancel_request* const why = waiter().cancel_reason();
        stop(why ? std::string_view(why->reason) : std::string_view());
    }
    if (running_count_ > 0) return false;
    waiting_ = false;
    return true;
}

void imap_items::describe(std::string& out) const {
    if (queued_ && running_count_ == 0) return place_.pool().describe_to(out, operation_);
    out += operation_;
    out += ", " + std::to_string(running_count_) + (running_count_ == 1 ? " item" : " items");
    out += " in flight";
}

void imap_items::place_granted() noexcept {
    place_.accept();
    queued_ = false;
    wake_waiter();
}

void imap_items::pool_closed() noexcept {
    queued_ = false;
    closed_ = true;
    wake_waiter();
}

void imap_items::item_ended(item& i) noexcept {
    --running_count_;
    if (!in_order_) {
        running_.remove(i);
        queue_.push_back(i);
    }
    if (!waiting_ || !ready()) return;
    if (!by_cancel_) return wake_waiter();
    waiting_ = false;
    // An error of an item on its way out counts more than the cancel.
    for (item* f = queue_.front(); f; f = queue_.after(*f)) {
        if (f->task->failed()) return waiter().wake();
    }
    waiter().wake_cancelled();
}

void imap_items::wake_waiter() noexcept {
    waiting_ = false;
    if (std::exchange(queued_, false)) place_.pool().forget(*this);
    waiter().wake();
}

}  // namespace green::detail
