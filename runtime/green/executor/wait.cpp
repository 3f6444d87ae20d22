#include <green/executor/wait.hpp>

#include <algorithm>

namespace green::detail {

void expect(future_set& set, return_when w) {
    bool const first = w == return_when::first_completed;
    set.expect(
        first ? std::min<std::size_t>(1, set.size()) : set.size(), w == return_when::first_exception
    );
}

namespace {

/// One of those that are not done, if all of these are jobs of one executor, and this is a thread of it.
const future_base* in_our_hands(std::span<const state_ref<future_base>> states) {
    const future_base* one = nullptr;
    for (auto const& s : states) {
        if (s->done()) continue;
        const void* const executor = s->executor_of_this_thread();
        if (!executor || (one && one->executor_of_this_thread() != executor)) return nullptr;
        one = s.get();
    }
    return one;
}

/// While it lives, the executor of `job` knows that this thread waits for the set.
class blocked_for_set {
public:
    blocked_for_set(const future_base* job, const future_set& set) : job_(job) {
        if (!job_) return;
        job_->begin_block({&set, [](const void* s) noexcept {
                               return static_cast<const future_set*>(s)->satisfied();
                           }});
    }
    blocked_for_set(const blocked_for_set&) = delete;
    blocked_for_set& operator=(const blocked_for_set&) = delete;
    ~blocked_for_set() {
        if (job_) job_->end_block();
    }

private:
    const future_base* const job_;
};

/// Blocks this thread until the set has what it expects, unless it would for ever.
void block(const future_set& set, std::span<const state_ref<future_base>> states) {
    blocked_for_set const known(set.satisfied() ? nullptr : in_our_hands(states), set);
    set.block(forever);
}

}  // namespace

void block_for(std::span<const state_ref<future_base>> states, const wait_options& options) {
    if (options.return_when != return_when::all_completed) {
        future_set set(states);
        expect(set, options.return_when);
        if (options.timeout == forever) return block(set, states);
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
