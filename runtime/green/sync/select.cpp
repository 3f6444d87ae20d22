#include <green/sync/select.hpp>

#include <green/loop/loop_core.hpp>

#include <utility>

namespace green::detail {

void shuffle(std::size_t* order, std::size_t n) noexcept {
    loop_core& core = *loop_core::current();
    for (std::size_t i = 0; i < n; ++i) {  // Fisher and Yates, inside out
        auto const j = static_cast<std::size_t>(core.draw() % (i + 1));
        if (j != i) order[i] = order[j];
        order[j] = i;
    }
}

}  // namespace green::detail
