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

struct pending_futures {
    const future_base* one = nullptr;
    bool several = false;
};

/// Those that are not done, if all of these are jobs of one executor, and this is a thread of it.
pending_futures in_our_hands(std::span<const state_ref<future_base>> states) {
    pending_futures pending;
    for (auto const& s : states) {
        if (s->has_told_all() || s.get() == pending.one) continue;
        const void* const executor = s->executor_of_this_thread();
        pending.several = pending.one != nullptr;
        if (!executor) return {};
        if (pending.several && pending.one->executor_of_this_thread() != executor) return {};
        pending.one = s.get();
    }
    return pending;
}

/// While it lives, the executor of `job` knows that this thread waits for the set.
class blocked_for_set {
public:
    blocked_for_set(pending_futures jobs, const future_set& set) : job_(jobs.one) {
        if (!job_) return;
        auto const over = [](const void* s) noexcept {
            return static_cast<const future_set*>(s)->satisfied();
        };
        job_->begin_block({.what = &set, .over = over, .of_several = jobs.several});
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
    blocked_for_set const known(set.satisfied() ? pending_futures() : in_our_hands(states), set);
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
