#include <green/executor/as_completed.hpp>

#include <string>

namespace green::detail {

void throw_unfinished(const future_set& set) {
    throw timeout_error(
        std::to_string(set.unfinished()) + " (of " + std::to_string(set.size()) +
        ") futures unfinished"
    );
}

}  // namespace green::detail
