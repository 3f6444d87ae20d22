#include <green/loop/birth_marks.hpp>

#include <algorithm>

namespace green::detail {

clock::time_point birth_marks::born(std::uint64_t id) const noexcept {
    auto const after = std::upper_bound(
        marks_.begin(), marks_.end(), id, [](std::uint64_t n, const mark& m) { return n < m.next; }
    );
    if (after == marks_.begin()) return marks_.empty() ? clock::time_point{} : marks_.front().at;
    return std::prev(after)->at;
}

void birth_marks::push(std::uint64_t next, clock::time_point now) {
    if (marks_.size() >= most) {
        // A mark may go if its neighbours are near enough to each other, for their age.
        std::size_t kept = 1;
        for (std::size_t i = 1; i + 1 < marks_.size(); ++i) {
            if (marks_[i + 1].at - marks_[kept - 1].at < (now - marks_[i].at) / 64) continue;
            marks_[kept++] = marks_[i];
        }
        marks_[kept++] = marks_.back();
        marks_.resize(kept);
    }
    marks_.push_back({next, now});
}

}  // namespace green::detail
