#include <green/sync/shared_mutex.hpp>

#include <string>

namespace green {

void shared_mutex::serve() {
    while (auto* const first = static_cast<basic_wait*>(waiters_.front())) {
        if (writer_ || (first->mode_ == mode::exclusive && readers_ != 0)) return;
        admit(first->mode_);
        waiters_.grant(*first);
    }
}

void shared_mutex::basic_wait::describe(std::string& out) const {
    mutex_->describe(
        out, mode_ == mode::exclusive ? "shared_mutex.lock" : "shared_mutex.lock_shared"
    );
    if (mutex_->writer_) {
        out += ", held by a writer";
    } else if (mutex_->readers_ != 0) {
        out += ", held by " + std::to_string(mutex_->readers_) + " readers";
    }
}

}  // namespace green
