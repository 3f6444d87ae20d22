#include <green/sync/semaphore.hpp>

#include <stdexcept>
#include <string>

namespace green {

semaphore::semaphore(std::size_t permits, std::size_t maximum)
    : available_(permits), total_(permits), maximum_(maximum) {
    if (permits > maximum) {
        throw std::invalid_argument("green: semaphore: more permits than its maximum");
    }
}

void semaphore::release(std::size_t n) {
    if (n > maximum_ - total_) {
        std::string what = "green: ";
        describe(what, "semaphore.release");
        throw std::logic_error(what + ": more than its maximum of " + std::to_string(maximum_));
    }
    total_ += n;
    give_back(n);
}

void semaphore::serve() {
    while (auto* const first = static_cast<acquire_awaitable*>(waiters_.front())) {
        if (first->count_ > available_) return;
        available_ -= first->count_;
        waiters_.grant(*first);
    }
}

void semaphore::acquire_awaitable::describe(std::string& out) const {
    semaphore_->describe(out, "semaphore.acquire");
    out += " (" + std::to_string(count_) + " wanted, " + std::to_string(semaphore_->available_) +
        " available)";
}

}  // namespace green
