#pragma once

// What channels, queues and selects over them must do, as plain as can be, and a driver that compares
// them with it: random operations, many in one turn, cancelled and timed out at any time.
//
// A world is made from a seed. GREEN_MODEL_STEPS is the number of steps of each test case, GREEN_SEED
// replays a single world.

#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/sync/channel.hpp>
#include <green/sync/queue.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace green_test {

/// SplitMix64.
class random_numbers {
public:
    explicit random_numbers(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}

    int below(int n) {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return static_cast<int>((z ^ (z >> 31)) % static_cast<std::uint64_t>(n));
    }
    bool one_in(int n) { return below(n) == 0; }

private:
    std::uint64_t state_;
};

/// What goes through: it can only be moved, and none may be lost or there twice. Some are equal, for
/// priority queues.
class item {
public:
    explicit item(int value) : value_(value) { ++live_; }
    item(item&& o) noexcept : value_(std::exchange(o.value_, gone)) { ++live_; }
    item& operator=(item&& o) noexcept {
        value_ = std::exchange(o.value_, gone);
        return *this;
    }
    ~item() { --live_; }

    int value() const { return value_; }
    static int key(int value) { return value * 7 % 5; }
    friend bool operator<(const item& a, const item& b) { return key(a.value_) < key(b.value_); }
    static int live() { return live_; }

private:
    static constexpr int gone = -1;
    static inline int live_ = 0;
    int value_;
};

enum class direction { put, get, join };

struct operation_case {
    int port;
    direction how;
    int value;  // to put
};

/// What has become of an operation.
struct outcome {
    enum class kind { pending, put, got, joined, nothing, closed, cancelled, expired };
    kind what = kind::pending;
    int which = 0;  // the case of a select
    int value = 0;  // that was got

    friend bool operator==(const outcome&, const outcome&) = default;
    std::string text() const {
        static constexpr const char* words[] = {"pending", "put",    "got",       "joined",
                                                "nothing", "closed", "cancelled", "expired"};
        return std::string(words[static_cast<int>(what)]) + " " + std::to_string(value) +
            " (case " + std::to_string(which) + ")";
    }
};

struct operation {
    int number = 0;
    std::vector<operation_case> cases;
    bool selects = false;
    bool limited = false;
    green::clock::time_point deadline{};
    bool entered = false;  // limited: its scope is there, and its child begins in the next turn
    outcome expected;
    outcome actual;
    green::join_handle<void> task;
};

struct port_state {
    std::size_t size = 0;
    bool closed = false;
    std::size_t unfinished = 0;
    friend bool operator==(const port_state&, const port_state&) = default;
};

/// The real thing: some channels or queues, by number.
class subject {
public:
    virtual ~subject() = default;
    virtual green::task<outcome> perform(const operation& o) = 0;
    virtual outcome try_put(int port, int value) = 0;
    virtual outcome try_get(int port) = 0;
    virtual void close(int port, bool discard) = 0;
    /// False if it was one too many.
    virtual bool task_done(int port) = 0;
    virtual port_state state(int port) const = 0;
};

enum class item_order { first, last, smallest };

struct port_spec {
    std::size_t capacity;
    item_order order = item_order::first;
    bool is_queue = false;  // which keeps an account, and whose end is an error
};

/// The reference: one channel or queue.
struct model_port {
    struct waiter {
        operation* who;
        int which;
    };

    port_spec spec;
    std::vector<int> buffer{};  // in the order of arrival
    std::deque<waiter> putters{};
    std::deque<waiter> getters{};
    std::deque<waiter> joiners{};
    bool closed = false;
    std::size_t unfinished = 0;

    bool ready(direction how) const {
        switch (how) {
        case direction::put: return closed || !getters.empty() || buffer.size() < spec.capacity;
        case direction::get: return closed || !buffer.empty() || !putters.empty();
        default: return unfinished == 0;
        }
    }
    int take() {
        auto best = buffer.begin();
        if (spec.order == item_order::last) best = buffer.end() - 1;
        if (spec.order == item_order::smallest) {
            best = std::min_element(buffer.begin(), buffer.end(), [](int a, int b) {
                return item::key(a) < item::key(b);
            });
        }
        int const value = *best;
        buffer.erase(best);
        return value;
    }
};

class model {
public:
    explicit model(const std::vector<port_spec>& specs) {
        for (const port_spec& s : specs) ports_.push_back({s});
    }

    /// As the task begins its operation: that is over, or waits.
    /// Of several cases that are ready it must be the one that was really taken.
    void begin(operation& o) {
        std::vector<int> ready;
        for (int i = 0; i < static_cast<int>(o.cases.size()); ++i) {
            if (port_of(o, i).ready(o.cases[at(i)].how)) ready.push_back(i);
        }
        if (ready.empty()) {
            for (int i = 0; i < static_cast<int>(o.cases.size()); ++i) enlist(o, i);
            return;
        }
        for (int i : ready) {
            // Which send it was that found its channel closed, a select does not say.
            bool const same = o.actual.what == outcome::kind::closed
                ? refused(port_of(o, i), o.cases[at(i)].how)
                : o.actual.which == i;
            if (ready.size() == 1 || same) {
                auto const& c = o.cases[at(i)];
                auto const result = act(c.port, c.how, c.value);
                complete(o, i, result);
                return;
            }
        }
        o.expected = {outcome::kind::pending, -1, 0};  // it took one that was not ready
    }

    outcome act(int port, direction how, int value) {
        model_port& p = ports_[at(port)];
        switch (how) {
        case direction::put: return put(p, value);
        case direction::get: return get(p);
        default: return {p.unfinished == 0 ? outcome::kind::joined : outcome::kind::pending};
        }
    }

    void close(int port, bool discard) {
        model_port& p = ports_[at(port)];
        p.closed = true;
        while (!p.putters.empty()) {
            complete(*p.putters.front().who, p.putters.front().which, {outcome::kind::closed});
        }
        while (!p.getters.empty()) {
            complete(*p.getters.front().who, p.getters.front().which, {end_of(p)});
        }
        if (discard) {
            p.unfinished -= std::min(p.unfinished, p.buffer.size());
            p.buffer.clear();
            wake_joiners(p);
        }
    }
    bool task_done(int port) {
        model_port& p = ports_[at(port)];
        if (p.unfinished == 0) return false;
        --p.unfinished;
        wake_joiners(p);
        return true;
    }

    /// It waits no longer, for a reason of its own.
    void leave(operation& o, outcome::kind why) {
        forget(o);
        o.expected = {why};
    }

    port_state state(int port) const {
        const model_port& p = ports_[at(port)];
        return {p.buffer.size(), p.closed, p.spec.is_queue ? p.unfinished : 0};
    }
    const std::vector<model_port>& ports() const { return ports_; }

private:
    static std::size_t at(int i) { return static_cast<std::size_t>(i); }
    static bool refused(const model_port& p, direction how) {
        return p.closed && (how == direction::put || (p.spec.is_queue && p.buffer.empty()));
    }
    static outcome::kind end_of(const model_port& p) {
        return p.spec.is_queue ? outcome::kind::closed : outcome::kind::nothing;
    }
    model_port& port_of(const operation& o, int which) {
        return ports_[at(o.cases[at(which)].port)];
    }

    outcome put(model_port& p, int value) {
        if (p.closed) return {outcome::kind::closed};
        if (!p.getters.empty()) {
            ++p.unfinished;
            auto const [who, which] = p.getters.front();
            complete(*who, which, {outcome::kind::got, 0, value});
            return {outcome::kind::put};
        }
        if (p.buffer.size() >= p.spec.capacity) return {};
        p.buffer.push_back(value);
        ++p.unfinished;
        return {outcome::kind::put};
    }
    outcome get(model_port& p) {
        outcome result{outcome::kind::got};
        if (!p.buffer.empty()) {
            result.value = p.take();
            if (!p.putters.empty()) {
                p.buffer.push_back(accept_first(p));
            }
        } else if (!p.putters.empty()) {
            result.value = accept_first(p);
        } else {
            result.what = p.closed ? end_of(p) : outcome::kind::pending;
        }
        return result;
    }
    int accept_first(model_port& p) {
        auto const [who, which] = p.putters.front();
        ++p.unfinished;
        complete(*who, which, {outcome::kind::put});
        return who->cases[at(which)].value;
    }
    void wake_joiners(model_port& p) {
        while (p.unfinished == 0 && !p.joiners.empty()) {
            complete(*p.joiners.front().who, p.joiners.front().which, {outcome::kind::joined});
        }
    }
    void complete(operation& o, int which, outcome result) {
        forget(o);
        o.expected = result;
        if (result.what != outcome::kind::closed) o.expected.which = which;
    }
    void enlist(operation& o, int which) {
        model_port& p = port_of(o, which);
        switch (o.cases[at(which)].how) {
        case direction::put: p.putters.push_back({&o, which}); break;
        case direction::get: p.getters.push_back({&o, which}); break;
        default: p.joiners.push_back({&o, which});
        }
    }
    void forget(const operation& o) {
        for (model_port& p : ports_) {
            for (auto* const list : {&p.putters, &p.getters, &p.joiners}) {
                std::erase_if(*list, [&](const auto& w) { return w.who == &o; });
            }
        }
    }

    std::vector<model_port> ports_;
};

/// A single channel or queue as a subject.
template <class Port>
class single_subject : public subject {
    static constexpr bool is_queue = requires(Port& p) { p.task_done(); };

public:
    explicit single_subject(std::size_t capacity) : port_(capacity) {}

    green::task<outcome> perform(const operation& o) override {
        auto const [port, how, value] = o.cases.front();
        outcome result;
        try {
            if (how == direction::put) {
                if constexpr (is_queue) {
                    co_await port_.put(item(value));
                } else {
                    co_await port_.send(item(value));
                }
                result.what = outcome::kind::put;
            } else if constexpr (is_queue) {
                if (how == direction::get) {
                    item const got = co_await port_.get();
                    result = {outcome::kind::got, 0, got.value()};
                } else {
                    co_await port_.join();
                    result.what = outcome::kind::joined;
                }
            } else {
                auto const got = co_await port_.receive();
                result = outcome_of(got);
            }
        } catch (const green::closed_error&) {
            result.what = outcome::kind::closed;
        }
        co_return result;
    }

    outcome try_put(int, int value) override {
        try {
            item i(value);
            bool done;
            if constexpr (is_queue) {
                done = port_.try_put(std::move(i));
            } else {
                done = port_.try_send(std::move(i));
            }
            if (done == (i.value() == value))
                return {outcome::kind::expired};  // no: it is there, or not
            return {done ? outcome::kind::put : outcome::kind::pending};
        } catch (const green::closed_error&) {
            return {outcome::kind::closed};
        }
    }
    outcome try_get(int) override {
        try {
            outcome result;
            if constexpr (is_queue) {
                result = outcome_of(port_.try_get());
                if (result.what == outcome::kind::nothing) result.what = outcome::kind::pending;
            } else {
                bool const closed = port_.closed();
                result = outcome_of(port_.try_receive());
                if (result.what == outcome::kind::nothing && !closed) {
                    result.what = outcome::kind::pending;
                }
            }
            return result;
        } catch (const green::closed_error&) {
            return {outcome::kind::closed};
        }
    }
    void close(int, bool discard) override {
        if constexpr (is_queue) {
            port_.close(discard ? green::close_mode::discard : green::close_mode::drain);
        } else {
            port_.close();
        }
    }
    bool task_done(int) override {
        if constexpr (is_queue) {
            try {
                port_.task_done();
                return true;
            } catch (const std::logic_error&) {
                return false;
            }
        }
        return false;
    }
    port_state state(int) const override {
        if constexpr (is_queue) {
            return {port_.size(), port_.closed(), port_.unfinished()};
        } else {
            return {port_.size(), port_.closed(), 0};
        }
    }

    static outcome outcome_of(const std::optional<item>& i) {
        if (!i) return {outcome::kind::nothing};
        return {outcome::kind::got, 0, i->value()};
    }

    Port& port() { return port_; }

private:
    Port port_;
};

struct world_spec {
    std::vector<port_spec> ports;
    bool with_selects = false;
};

/// Random steps on a subject and on the model, side by side.
class world {
public:
    world(const world_spec& spec, subject& real, std::uint64_t seed, int steps)
        : spec_(spec), real_(real), model_(spec.ports), random_(seed), steps_(steps) {}

    /// Empty, or what was wrong.
    std::string run(std::uint64_t seed) {
        green::run_options options = virtual_clock();
        options.seed = seed;
        auto const body = [this]() -> green::task<> { co_await drive(); };
        try {
            green::run(options, body);
        } catch (const std::exception& e) {
            expect(false, e.what());
        }
        // Those that still waited have been destroyed by the end of the run.
        for (const auto& o : operations_) {
            bool const over = o->actual.what != outcome::kind::pending;
            expect(o->task.cancelled() != over, "the end of the run did not cancel it", o.get());
        }
        return wrong_;
    }

private:
    green::task<> drive() {
        while (steps_ > 0 && wrong_.empty()) {
            int const in_one_turn = 1 + random_.below(4);
            for (int i = 0; i < in_one_turn; ++i, --steps_) act();
            switch (random_.below(6)) {
            case 0: break;
            case 1:
            case 2: co_await turn(); break;
            case 3: co_await sleep(); break;
            default: co_await settle();
            }
        }
        if (!random_.one_in(3)) co_await settle();
    }

    void act() {
        int const port = random_.below(static_cast<int>(spec_.ports.size()));
        const port_spec& p = spec_.ports[static_cast<std::size_t>(port)];
        int const value = next_value_++;
        switch (random_.below(16)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4: start(direction::put); break;
        case 5:
        case 6:
        case 7:
        case 8:
        case 9: start(direction::get); break;
        case 10:
        case 11: {
            auto const result = real_.try_put(port, value);
            expect(result == model_.act(port, direction::put, value), "try_put");
            break;
        }
        case 12: {
            auto const result = real_.try_get(port);
            expect(result == model_.act(port, direction::get, 0), "try_get");
            break;
        }
        case 13:
            if (!operations_.empty()) cancel(*operations_[any_operation()]);
            break;
        case 14:
            if (p.is_queue) {
                bool const done = real_.task_done(port);
                expect(done == model_.task_done(port), "task_done");
                if (random_.one_in(4)) start(direction::join);
            }
            break;
        default:
            if (!random_.one_in(12)) break;
            bool const discard = p.is_queue && random_.one_in(2);
            real_.close(port, discard);
            model_.close(port, discard);
        }
    }

    void start(direction how) {
        if (operations_.size() > 20) return;
        auto o = std::make_unique<operation>();
        o->number = ++count_;
        o->selects = spec_.with_selects && !random_.one_in(3);
        int const cases = o->selects ? 1 + random_.below(3) : 1;
        for (int i = 0; i < cases; ++i) {
            if (i > 0) how = random_.one_in(2) ? direction::put : direction::get;
            int const port = random_.below(static_cast<int>(spec_.ports.size()));
            o->cases.push_back({port, how, next_value_++});
        }
        o->limited = random_.one_in(4);
        // Never at an instant at which the driver wakes: what comes first then is no business of queues.
        auto const limit = std::chrono::milliseconds(1 + random_.below(4)) - 500us;
        o->deadline = green::now() + limit;
        o->task = o->limited ? green::spawn(&world::perform_for, std::ref(real_), o.get(), limit)
                             : green::spawn(&world::perform, std::ref(real_), o.get());
        starting_.push_back(o.get());
        operations_.push_back(std::move(o));
    }
    static green::task<> perform(subject& real, operation* o) {
        outcome const result = co_await real.perform(*o);
        o->actual = result;
    }
    static green::task<> perform_for(subject& real, operation* o, std::chrono::microseconds limit) {
        bool const in_time = co_await green::move_on_after(limit, perform(real, o));
        if (!in_time) o->actual = {outcome::kind::expired};
    }

    std::size_t any_operation() {
        return static_cast<std::size_t>(random_.below(static_cast<int>(operations_.size())));
    }
    void cancel(operation& o) {
        o.task.cancel();
        if (o.expected.what != outcome::kind::pending) return;  // the result wins
        std::erase(starting_, &o);
        model_.leave(o, outcome::kind::cancelled);
    }

    /// All that is ready now runs once, in order.
    green::task<> turn() {
        co_await green::yield();
        std::vector<operation*> began;
        began.swap(starting_);
        for (operation* o : began) {
            if (o->limited && !std::exchange(o->entered, true)) {
                starting_.push_back(o);
            } else {
                model_.begin(*o);
            }
        }
    }
    green::task<> settle() {
        for (int i = 0; i < 6; ++i) co_await turn();
        compare();
    }
    green::task<> sleep() {
        co_await settle();
        co_await green::sleep_for(std::chrono::milliseconds(1 + random_.below(2)));
        for (const auto& o : operations_) {
            if (!o->limited || o->deadline > green::now()) continue;
            if (o->expected.what == outcome::kind::pending) {
                model_.leave(*o, outcome::kind::expired);
            }
        }
    }

    void compare() {
        for (const auto& o : operations_) {
            if (o->task.cancelled()) o->actual = {outcome::kind::cancelled};
            expect(o->actual == o->expected, "the outcome differs", o.get());
            bool const over = o->expected.what != outcome::kind::pending;
            expect(o->task.done() == over, "the task has not ended, or has", o.get());
        }
        std::erase_if(operations_, [](const auto& o) { return o->task.done(); });
        for (int i = 0; i < static_cast<int>(spec_.ports.size()); ++i) {
            expect(real_.state(i) == model_.state(i), "size, closed() or unfinished() differs");
        }
    }
    void expect(bool ok, const char* what, const operation* o = nullptr) {
        if (ok || !wrong_.empty()) return;
        wrong_ = std::to_string(steps_) + " steps before the end: " + what;
        if (o) {
            wrong_ += ": operation " + std::to_string(o->number) + " is " + o->actual.text() +
                ", expected " + o->expected.text();
        }
    }

    const world_spec& spec_;
    subject& real_;
    model model_;
    random_numbers random_;
    int steps_;
    int next_value_ = 0;
    int count_ = 0;
    std::vector<std::unique_ptr<operation>> operations_;
    std::vector<operation*> starting_;
    std::string wrong_;
};

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitised = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitised = true;
#else
inline constexpr bool sanitised = false;
#endif
#else
inline constexpr bool sanitised = false;
#endif

/// Many worlds, `make_subject()` for each.
template <class F>
void compare_with_model(const world_spec& spec, F make_subject) {
    constexpr int steps_per_world = 400;
    std::uint64_t const steps = number_from("GREEN_MODEL_STEPS", sanitised ? 20'000 : 125'000);
    std::uint64_t first = 1;
    std::uint64_t count = steps / steps_per_world + 1;
    if (std::uint64_t const one = number_from("GREEN_SEED", 0)) {
        first = one;
        count = 1;
    }
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        // A long run is no hang: each hundred worlds have the watchdog's whole time.
        if (seed % 100 == 0) watch_begin("a model, GREEN_SEED=" + std::to_string(seed));
        std::string wrong;
        {
            auto const real = make_subject();
            world w(spec, *real, seed, steps_per_world);
            wrong = w.run(seed);
        }
        INFO("replay it with GREEN_SEED=" << seed);
        REQUIRE(wrong == "");
        REQUIRE(item::live() == 0);
    }
}

}  // namespace green_test
