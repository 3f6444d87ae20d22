#include <green/executor/wait.hpp>

#include <algorithm>

namespace green::detail {

void expect(future_set& set, return_when w) {
    bool const first = w == return_when::first_completed;
    set.expect(
        first ? std::min<std::size_t>(1, set.size()) : set.size(), w == return_when::first_exception
    );
}

void block_for(std::span<const state_ref<future_base>> states, const wait_options& options) {
    if (options.return_when != return_when::all_completed) {
        future_set set(states);
        expect(set, options.return_when);
        set.block(options.timeout);
        return;
    }
    // One after the other: each knows by itself when a wait for it would never end.
    auto const end = saturating_add(clock::now(), options.timeout);
    for (auto const& s : states) {
        bool const limited = end != clock::time_point::max();
        if (!s->wait(limited ? end - clock::now() : forever) && limited) return;
    }
}

}  // namespace green::detail
