// Trees of tasks made of everything there is, cancelled at any time. Whatever happens, every frame is
// destroyed exactly once, no child outlives the combinator that awaits it, an error comes out of where
// it belongs, and nothing leaks (LeakSanitizer watches).
//
// A tree is made from a seed. GREEN_SEEDS is the number of seeds, GREEN_SEED replays a single one.

#include "support/gate.hpp"
#include "support/green_test.hpp"
#include "support/random.hpp"

#include <green/core/errors.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/finally.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/this_task.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_all.hpp>
#include <green/tasks/when_any.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

class generator : public random_source {
public:
    using random_source::random_source;

    std::chrono::nanoseconds delay() {
        // Few different ones, so that much happens at one instant.
        return std::chrono::milliseconds(below(6));
    }
};

struct tree_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What a run shares: the generator, the books, and what has gone wrong.
struct forest {
    explicit forest(std::uint64_t seed) : random(seed) {}

    generator random;
    census frames;
    std::vector<std::unique_ptr<gate>> gates;
    std::vector<join_handle<int>> handles;  // of everything spawned
    std::string wrong;
    int nodes_left = 400;
    int leaves = 0;

    gate& new_gate() {
        auto const policy = random.one_in(3) ? gate::when_cancelled::refuses
                                             : gate::when_cancelled::forgets;
        gates.push_back(std::make_unique<gate>(policy));
        return *gates.back();
    }
    void expect(bool ok, const char* what) {
        if (!ok && wrong.empty()) wrong = what;
    }
};

/// Lives in the frame of a combinator: the children that run below it count themselves here, and all
/// of them must be gone when it goes.
class children_of {
public:
    explicit children_of(forest& f) : forest_(f) {}
    children_of(const children_of&) = delete;
    children_of& operator=(const children_of&) = delete;
    ~children_of() { forest_.expect(*live_ == 0, "a child outlived its combinator"); }

    std::shared_ptr<int> counter() const { return live_; }

private:
    forest& forest_;
    std::shared_ptr<int> live_ = std::make_shared<int>(0);
};

class counted {
public:
    explicit counted(std::shared_ptr<int> n) : n_(std::move(n)) {
        if (n_) ++*n_;
    }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() {
        if (n_) --*n_;
    }

private:
    std::shared_ptr<int> n_;
};

task<int> node(forest& f, int depth, std::shared_ptr<int> siblings);

task<int> leaf(forest& f) {
    tracker const t(f.frames);
    ++f.leaves;
    // Most leaves wait, few fail: else trees would die young.
    constexpr int kinds[] = {0, 1, 1, 1, 2, 2, 3, 4, 5, 5, 5, 5, 6, 6, 7, 8, 9, 9};
    switch (kinds[f.random.below(static_cast<int>(std::size(kinds)))]) {
    case 0: co_return 1;
    case 1: {
        auto const d = f.random.delay();
        co_await sleep_for(d);
        co_return 2;
    }
    case 2: {
        int const times = f.random.below(4);
        for (int i = 0; i < times; ++i) co_await yield();
        co_return 3;
    }
    case 3: {
        auto const d = f.random.delay();
        co_await sleep_for(d);
        throw tree_error("late leaf");
    }
    case 4:
        if (f.random.one_in(2)) throw tree_error("leaf");
        co_return 3;
    case 5: {
        gate& g = f.new_gate();
        int const n = co_await g.wait();
        co_return n;
    }
    case 6: {
        // Someone else's end: not one's own, which would be a logic_error.
        if (f.handles.empty()) co_return 4;
        auto const h =
            f.handles[static_cast<std::size_t>(f.random.below(static_cast<int>(f.handles.size())))];
        if (h.id() == this_task::id()) co_return 4;
        auto const d = f.random.delay();
        bool const ended = co_await h.join(d);
        co_return ended ? 5 : 6;
    }
    case 7: {
        // The cancel of anybody, oneself included.
        if (!f.handles.empty()) {
            auto h =
                f.handles[static_cast<std::size_t>(f.random.below(static_cast<int>(f.handles.size())
                ))];
            h.cancel("by a leaf");
        }
        co_await yield();
        co_return 7;
    }
    case 8: {
        auto const d = f.random.delay();
        co_await shield(sleep_for(d));
        co_return 8;
    }
    default: {
        auto const d = f.random.delay();
        co_await sleep_until(green::now() + d);
        co_return 9;
    }
    }
}

task<int> group_node(forest& f, int depth) {
    tracker const t(f.frames);
    children_of const here(f);
    int const n = 1 + f.random.below(4);
    int const stop = f.random.below(8);
    co_return co_await with_group([&](task_group& g) -> task<int> {
        tracker const t2(f.frames);
        counted const c(here.counter());
        for (int i = 0; i < n; ++i) {
            switch (f.random.below(3)) {
            case 0: g.spawn(node(f, depth - 1, here.counter())); break;
            case 1: g.spawn(node, std::ref(f), depth - 1, here.counter()); break;
            default: g.spawn({.name = "child"}, node(f, depth - 1, here.counter())); break;
            }
            if (f.random.one_in(3)) co_await yield();
        }
        if (stop == 0) g.cancel("by its body");
        if (stop == 1) co_await g.join();
        if (stop == 2 && f.random.one_in(2)) throw tree_error("body");
        int const own = co_await node(f, depth - 1, nullptr);
        co_return own;
    });
}

task<int> all_node(forest& f, int depth) {
    tracker const t(f.frames);
    children_of const here(f);
    if (f.random.one_in(2)) {
        auto const [a, b, c] = co_await when_all(
            node(f, depth - 1, here.counter()), sleep_for(f.random.delay()),
            node(f, depth - 1, here.counter())
        );
        (void)b;
        co_return a + c;
    }
    std::vector<task<int>> tasks;
    int const n = f.random.below(5);
    for (int i = 0; i < n; ++i) tasks.push_back(node(f, depth - 1, here.counter()));
    std::vector<int> const values = co_await when_all(std::move(tasks));
    co_return static_cast<int>(values.size());
}

task<int> any_node(forest& f, int depth) {
    tracker const t(f.frames);
    children_of const here(f);
    auto const r = co_await when_any(
        node(f, depth - 1, here.counter()), sleep_for(f.random.delay()),
        node(f, depth - 1, here.counter())
    );
    co_return static_cast<int>(r.index());
}

task<int> limit_node(forest& f, int depth) {
    tracker const t(f.frames);
    children_of const here(f);
    auto const d = f.random.delay();
    auto const start = green::now();
    switch (f.random.below(3)) {
    case 0: {
        bool late = false;
        int n = 0;
        try {
            n = co_await with_timeout(d, node(f, depth - 1, here.counter()));
        } catch (const timeout_error& e) {
            // Not one that has come through from further in.
            late = std::string(e.what()).starts_with("with_timeout");
        }
        if (late) f.expect(green::now() >= start + d, "a timeout came early");
        co_return n;
    }
    case 1: {
        auto const n = co_await move_on_after(d, node(f, depth - 1, here.counter()));
        if (!n) f.expect(green::now() >= start + d, "a timeout came early");
        co_return n.value_or(0);
    }
    default: {
        int const n = co_await with_deadline(start + d, node(f, depth - 1, here.counter()));
        co_return n;
    }
    }
}

task<int> finally_node(forest& f, int depth) {
    tracker const t(f.frames);
    children_of const here(f);
    bool began = false;
    bool ended = false;
    struct check {
        forest& f;
        const bool& began;
        const bool& ended;
        // Its limit is longer than any shutdown's grace, so a cleanup that began came to its end.
        ~check() { f.expect(began && ended, "a cleanup did not run"); }
    };
    auto const body = [&] { return node(f, depth - 1, here.counter()); };
    auto const cleanup = [&]() -> task<> {
        tracker const t2(f.frames);
        f.expect(*here.counter() == 0, "a cleanup began before its body had ended");
        began = true;
        auto const d = f.random.delay();
        co_await sleep_for(d);
        int const also = f.random.below(3);
        if (also == 0) {
            bool const in_time = co_await move_on_after(2ms, sleep_for(3ms));
            f.expect(!in_time, "a limit in a cleanup did not fire");
        }
        ended = true;
        if (also == 1) throw tree_error("cleanup");
    };
    check const checked{f, began, ended};
    int const n = co_await finally_(body, cleanup, 1h);
    co_return n;
}

task<int> spawn_node(forest& f, int depth) {
    tracker const t(f.frames);
    auto h = spawn(node(f, depth - 1, nullptr));
    f.handles.push_back(h);
    switch (f.random.below(5)) {
    case 0: {
        int const n = co_await h;
        f.expect(h.successful(), "an awaited task has no value");
        co_return n;
    }
    case 1: {
        auto const d = f.random.delay();
        co_await sleep_for(d);
        h.cancel("by its parent");
        co_await h.join();
        f.expect(h.done(), "a joined task has not ended");
        co_return 0;
    }
    case 2: {
        h.add_done_callback([&f](const join_handle<int>& ended) {
            f.expect(ended.done(), "a done callback came early");
        });
        co_return 0;
    }
    case 3: {
        std::vector<join_handle<int>> pair{h, spawn(node(f, depth - 1, nullptr))};
        f.handles.push_back(pair[1]);
        auto const d = f.random.delay();
        auto const ended = co_await joinall(pair, d);
        for (const auto& e : ended) f.expect(e.done(), "joinall gave a task that has not ended");
        co_return static_cast<int>(ended.size());
    }
    default: {
        // Either one may be what another one here waits for, so the wait has a limit.
        std::vector<join_handle<int>> pair{h, spawn(node(f, depth - 1, nullptr))};
        f.handles.push_back(pair[1]);
        bool killed = true;
        try {
            co_await killall(pair, 50ms);
        } catch (const timeout_error&) {
            killed = false;
        }
        f.expect(!killed || (pair[0].done() && pair[1].done()), "killall left a task running");
        co_return 0;
    }
    }
}

task<int> node(forest& f, int depth, std::shared_ptr<int> siblings) {
    tracker const t(f.frames);
    counted const c(std::move(siblings));
    bool const is_leaf = depth <= 0 || --f.nodes_left < 0;
    int result = 0;
    bool const catches = f.random.one_in(3);
    try {
        switch (is_leaf ? 99 : f.random.below(10)) {
        case 0:
        case 1: result = co_await group_node(f, depth); break;
        case 2: result = co_await all_node(f, depth); break;
        case 3: result = co_await any_node(f, depth); break;
        case 4: result = co_await limit_node(f, depth); break;
        case 5: result = co_await finally_node(f, depth); break;
        case 6: result = co_await spawn_node(f, depth); break;
        case 7: result = co_await shield(node(f, depth - 1, nullptr)); break;
        case 8: {
            result = co_await node(f, depth - 1, nullptr);
            result += co_await node(f, depth - 1, nullptr);
            break;
        }
        default: result = co_await leaf(f); break;
        }
    } catch (const std::logic_error& e) {
        f.expect(false, e.what());
    } catch (...) {
        if (!catches) throw;
    }
    co_return result;
}

/// Opens gates and cancels tasks at random times, until main ends.
task<> weather(forest& f) {
    tracker const t(f.frames);
    for (;;) {
        auto const d = f.random.delay();
        co_await sleep_for(d + 1ms);
        for (auto& g : f.gates) {
            if (f.random.one_in(2)) g->open(1);
        }
        if (!f.handles.empty() && f.random.one_in(3)) {
            auto const i = f.random.below(static_cast<int>(f.handles.size()));
            f.handles[static_cast<std::size_t>(i)].cancel("by the weather");
        }
    }
}

task<> grow(forest& f) {
    this_loop().on_unhandled([](const unhandled_failure&) {});
    tracker const t(f.frames);
    spawn(weather, std::ref(f));
    int const roots = 2 + f.random.below(4);
    for (int i = 0; i < roots; ++i)
        f.handles.push_back(spawn(node(f, 5 + f.random.below(3), nullptr)));
    auto const d = f.random.delay();
    if (f.random.one_in(2)) co_await sleep_for(d);
    if (f.random.one_in(2)) {
        std::vector<join_handle<int>> const some(f.handles);
        auto const limit = f.random.delay() * 20;
        co_await joinall(some, limit);
    }
}

/// Ends the refusing gates when all the rest of the run is over: nothing that is in flight for ever is
/// left, so nothing may be abandoned.
task<> open_at_the_end(forest& f) {
    tracker const t(f.frames);
    auto const opens = [&]() -> task<> {
        while (!this_task::cancel_requested()) co_await sleep_for(1ms);
        for (int i = 0; i < 200; ++i) {
            for (auto& g : f.gates) g->open(2);
            co_await sleep_for(1ms);
        }
    };
    co_await shield(opens());
}

std::string run_seed(std::uint64_t seed) {
    auto const owner = std::make_unique<forest>(seed);
    forest& f = *owner;
    run_options options = virtual_clock();
    options.shutdown_grace = 30min;  // cleanups and shields come to their end
    auto const body = [&f]() -> task<> {
        spawn(open_at_the_end, std::ref(f));
        co_await grow(f);
    };
    try {
        run(options, body);
    } catch (const std::exception& e) {
        f.expect(false, e.what());
    }
    for (const auto& h : f.handles) h.exception();  // seen: their failures are no news
    f.handles.clear();
    f.expect(f.frames.live() == 0, "a frame was not destroyed");
    f.expect(f.frames.wrongly_destroyed() == 0, "a frame was destroyed twice");
    for (const auto& g : f.gates) {
        f.expect(g->broken() == 0, "a frame was destroyed while something pointed into it");
        f.expect(g->waiting() == 0, "somebody still waits");
    }
    return f.wrong;
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST_CASE("random trees of tasks keep the rules", "[random_tree]") {
    std::uint64_t first = 1;
    std::uint64_t count = number_from("GREEN_SEEDS", 2000);
    if (std::uint64_t const one = number_from("GREEN_SEED", 0)) {
        first = one;
        count = 1;
    }
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        // A long run is no hang: each seed has the watchdog's whole time.
        if (seed % 100 == 0) watch_begin("random trees, GREEN_SEED=" + std::to_string(seed));
        std::string const wrong = run_seed(seed);
        INFO("replay it with GREEN_SEED=" << seed);
        REQUIRE(wrong == "");
    }
}

TEST_CASE("the same seed grows the same tree", "[random_tree]") {
    auto const shape = [](std::uint64_t seed) {
        forest f(seed);
        auto const body = [&f]() -> task<> {
            spawn(open_at_the_end, std::ref(f));
            co_await grow(f);
        };
        run_options options = virtual_clock();
        options.shutdown_grace = 30min;
        run(options, body);
        for (const auto& h : f.handles) h.exception();
        return std::to_string(f.frames.born()) + " " + std::to_string(f.leaves);
    };
    for (std::uint64_t seed = 1; seed < 20; ++seed) REQUIRE(shape(seed) == shape(seed));
}

}  // namespace
