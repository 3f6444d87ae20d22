#include <green/sync/barrier.hpp>

#include <stdexcept>
#include <string>

namespace green {

barrier::barrier(std::size_t parties) : parties_(parties) {
    if (parties == 0) throw std::invalid_argument("green: barrier: for no parties");
}

void barrier::arrive_and_drop() {
    if (parties_ == 1) {
        std::string what = "green: ";
        describe(what, "barrier.arrive_and_drop");
        throw std::logic_error(what + ": no party would be left");
    }
    --parties_;
    if (waiting_ == parties_) open();
}

void barrier::arrive_awaitable::describe(std::string& out) const {
    barrier_->describe(out, "barrier.arrive_and_wait");
    out += " (" + std::to_string(barrier_->waiting_) + " of " + std::to_string(barrier_->parties_) +
        " here)";
}

}  // namespace green
