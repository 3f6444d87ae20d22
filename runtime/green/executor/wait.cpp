#include <green/executor/wait.hpp>

#include <algorithm>

namespace green::detail {

void expect(future_set& set, return_when w) {
    bool const first = w == return_when::first_completed;
    set.expect(
        first ? std::min<std::size_t>(1, set.size()) : set.size(), w == return_when::first_exception
    );
}

}  // namespace green::detail
