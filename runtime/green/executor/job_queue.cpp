#include <green/executor/job_queue.hpp>

namespace green::detail {

void job_queue::push(thread_job& j) {
    list& l = j.priority == 0 ? ordinary_ : others_[j.priority];
    l.push_back(j);
    ++size_;
}

thread_job* job_queue::pop() noexcept {
    if (size_ == 0) return nullptr;
    --size_;
    bool const ordinary_first = others_.empty() ||
        (others_.begin()->first < 0 && !ordinary_.empty());
    if (ordinary_first) return ordinary_.pop_front();
    auto const first = others_.begin();
    thread_job* const j = first->second.pop_front();
    if (first->second.empty()) others_.erase(first);
    return j;
}

void job_queue::remove(thread_job& j) noexcept {
    --size_;
    if (j.priority == 0) return ordinary_.remove(j);
    auto const l = others_.find(j.priority);
    l->second.remove(j);
    if (l->second.empty()) others_.erase(l);
}

}  // namespace green::detail
