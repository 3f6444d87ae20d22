#include <green/executor/wait.hpp>

#include <algorithm>
#include <iterator>
#include <vector>

namespace green::detail {

void expect(future_set& set, return_when w) {
    bool const first = w == return_when::first_completed;
    set.expect(
        first ? std::min<std::size_t>(1, set.size()) : set.size(), w == return_when::first_exception
    );
}

namespace {

using states_view = std::span<const state_ref<future_base>>;

/// One of those that are not done, if all of these are jobs of one executor, and this is a thread of it.
const future_base* in_our_hands(states_view states) {
    const future_base* one = nullptr;
    for (auto const& s : states) {
        if (s->has_told_all()) continue;
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
        auto const over = [](const void* s) noexcept {
            return static_cast<const future_set*>(s)->satisfied();
        };
        job_->begin_block({.what = &set, .over = over});
    }
    blocked_for_set(const blocked_for_set&) = delete;
    blocked_for_set& operator=(const blocked_for_set&) = delete;
    ~blocked_for_set() {
        if (job_) job_->end_block();
    }

private:
    const future_base* const job_;
};

/// Blocks this thread until one is done or has failed, or all are done, unless that would be for ever.
void block(states_view states, return_when w) {
    future_set set(states);
    expect(set, w);
    blocked_for_set const known(set.satisfied() ? nullptr : in_our_hands(states), set);
    set.block(forever);
}

/// The same of a job that waits for itself besides others: those have to bring it about.
void block_beside(const future_base& own, states_view states, return_when w) {
    std::vector<state_ref<future_base>> others;
    std::copy_if(states.begin(), states.end(), std::back_inserter(others), [](const auto& s) {
        return !s->runs_here();
    });
    if (!others.empty()) {
        block(others, w);
        auto const failed = [](const auto& s) { return s->has_error(); };
        if (w == return_when::first_completed) return;
        if (std::any_of(others.begin(), others.end(), failed)) return;
    }
    own.wait(forever);  // throws: it waits for itself
}

}  // namespace

void block_for(states_view states, const wait_options& options) {
    if (options.return_when != return_when::all_completed) {
        if (options.timeout != forever) {
            future_set set(states);
            expect(set, options.return_when);
            set.block(options.timeout);
            return;
        }
        auto const own = std::find_if(states.begin(), states.end(), [](const auto& s) {
            return s->runs_here();
        });
        if (own == states.end()) return block(states, options.return_when);
        return block_beside(**own, states, options.return_when);
    }
    // One after the other: each knows by itself when a wait for it would never end.
    auto const end = saturating_add(clock::now(), options.timeout);
    for (auto const& s : states) {
        bool const limited = end != clock::time_point::max();
        if (!s->wait(limited ? end - clock::now() : forever) && limited) return;
    }
}

}  // namespace green::detail
