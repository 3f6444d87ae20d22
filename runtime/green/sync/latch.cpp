#include <green/sync/latch.hpp>

#include <stdexcept>
#include <string>

namespace green {

void latch::count_down(std::size_t n) {
    if (n > count_) {
        std::string what = "green: ";
        describe(what, "latch.count_down");
        throw std::logic_error(what + ": below zero");
    }
    count_ -= n;
    if (count_ == 0) waiters_.grant_all();
}

void latch::wait_awaitable::describe(std::string& out) const {
    latch_->describe(out, "latch.wait");
    out += " (" + std::to_string(latch_->count_) + " to come)";
}

}  // namespace green
