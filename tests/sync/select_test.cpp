#include <green/sync/select.hpp>

#include "support/exchange_model.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/sync/channel.hpp>
#include <green/sync/event.hpp>
#include <green/sync/mutex.hpp>
#include <green/sync/queue.hpp>
#include <green/sync/semaphore.hpp>
#include <green/sync/shared_mutex.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

task<> settle() {
    for (int i = 0; i < 5; ++i) co_await yield();
}

// --- the five

GREEN_TEST("select: what is ready is taken without a suspension", "[select]") {
    channel<int> a(1);
    channel<int> b(1);
    co_await b.send(5);
    bool suspended = false;
    auto const other = [&]() -> task<> {
        suspended = true;
        co_return;
    };
    spawn(other);
    auto const v = co_await select(a.receive(), b.receive());
    REQUIRE_FALSE(suspended);
    REQUIRE(v.index() == 1);
    REQUIRE(std::get<1>(v) == 5);
    auto const w = co_await select(a.send(1));
    REQUIRE(w.index() == 0);
    REQUIRE(a.size() == 1);
    co_await yield();
}

GREEN_TEST("select: suspends, then takes the first that can go through", "[select]") {
    channel<int> a;
    channel<std::string> b;
    event e;
    recorder log;
    auto const body = [&]() -> task<> {
        auto const v = co_await select(a.receive(), b.send("hello"), e.wait());
        log.note(std::to_string(v.index()));
        auto const w = co_await select(a.receive(), b.send("hello"), e.wait());
        log.note(std::to_string(w.index()) + "=" + std::to_string(*std::get<0>(w)));
        auto const x = co_await select(a.receive(), b.send("hello"), e.wait());
        log.note(std::to_string(x.index()));
    };
    auto h = spawn(body);
    co_await settle();
    REQUIRE(log.text().empty());
    auto const text = b.try_receive();
    REQUIRE(text == "hello");
    REQUIRE_FALSE(a.try_send(1));  // it waits nowhere any more, though it has not resumed
    co_await settle();
    REQUIRE(a.try_send(6));
    REQUIRE_FALSE(b.try_receive().has_value());
    co_await settle();
    e.set();
    co_await h;
    REQUIRE(log.text() == "1 0=6 2");
}

GREEN_TEST("select: cancelled before it starts", "[select]") {
    channel<int> a(1);
    co_await a.send(1);
    channel<int> b(1);
    auto const body = [&]() -> task<> {
        co_await shield(yield());
        co_await select(a.receive(), b.send(1));
    };
    auto h = spawn(body);
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(a.size() == 1);
    REQUIRE(b.size() == 0);
}

GREEN_TEST("select: cancelled while it waits it leaves no trace", "[select]") {
    channel<int> a;
    channel<int> b;
    queue<int> q;
    semaphore s(0);
    mutex m;
    event e;
    auto const guard = co_await m.lock();
    auto const body = [&]() -> task<> {
        co_await select(a.receive(), b.send(1), q.get(), s.acquire(), m.lock(), e.wait());
    };
    auto h = spawn(body);
    co_await settle();
    h.cancel();
    REQUIRE_FALSE(a.try_send(1));
    REQUIRE_FALSE(b.try_receive().has_value());
    REQUIRE(q.try_put(1));
    REQUIRE(q.size() == 1);
    s.release();
    REQUIRE(s.available() == 1);
    e.set();
    co_await h.join();
    REQUIRE(h.cancelled());
}

GREEN_TEST("select: through and cancelled in the same turn, it is through", "[select]") {
    channel<int> a;
    channel<int> b;
    int got = 0;
    auto const body = [&]() -> task<> {
        auto const v = co_await select(b.receive(), a.receive());
        got = *std::get<1>(v);
    };
    auto h = spawn(body);
    co_await settle();
    REQUIRE(a.try_send(5));
    h.cancel();
    REQUIRE_FALSE(b.try_send(6));
    co_await h.join();
    REQUIRE(h.successful());
    REQUIRE(got == 5);
}

TEST_CASE("select: destroyed by the end of the run while it waits", "[select]") {
    channel<std::unique_ptr<int>> a;
    queue<std::unique_ptr<int>> q;
    census frames;
    auto const body = [&](tracker) -> task<> {
        co_await select(a.receive(), a.send(std::make_unique<int>(1)), q.get(), q.get());
    };
    run(virtual_clock(), [&]() -> task<> {
        spawn(body, tracker(frames));
        co_await sleep_for(1ms);
    });
    REQUIRE(frames.clean());
    REQUIRE(q.try_put(std::make_unique<int>(1)));
    REQUIRE(q.size() == 1);
}

// --- exactly one

/// Which of four ready cases is taken, many times over.
std::string choices(std::uint64_t seed) {
    run_options options = virtual_clock();
    options.seed = seed;
    std::string text;
    run(options, [&]() -> task<> {
        std::array<channel<int>, 4> c{
            channel<int>(1000), channel<int>(1000), channel<int>(1000), channel<int>(1000)
        };
        for (auto& one : c) {
            for (int i = 0; i < 200; ++i) co_await one.send(i);
        }
        std::size_t left = 800;
        for (int i = 0; i < 200; ++i) {
            auto const v =
                co_await select(c[0].receive(), c[1].receive(), c[2].receive(), c[3].receive());
            text += std::to_string(v.index());
            std::size_t now_left = 0;
            for (auto& one : c) now_left += one.size();
            REQUIRE(now_left == --left);
        }
    });
    return text;
}

TEST_CASE("select: of several that are ready one is drawn, from the run's seed", "[select]") {
    for (std::uint64_t seed : {0, 1, 2}) {
        std::string const text = choices(seed);
        REQUIRE(text == choices(seed));
        REQUIRE(text != choices(seed + 1));
        for (char c = '0'; c < '4'; ++c) {
            auto const n = std::count(text.begin(), text.end(), c);
            INFO(c << " was chosen " << n << " times of 200");
            REQUIRE(n > 25);
            REQUIRE(n < 75);
        }
    }
}

GREEN_TEST("select: it queues at each operation as if alone", "[select]") {
    channel<int> a;
    channel<int> b;
    recorder log;
    auto const plain = [&](std::string who) -> task<> {
        auto const n = co_await a.receive();
        log.note(who + std::to_string(*n));
    };
    auto const selects = [&](std::string who) -> task<> {
        auto const v = co_await select(b.receive(), a.receive());
        log.note(who + std::to_string(v.index() == 1 ? *std::get<1>(v) : -1));
    };
    spawn(plain, "p");
    spawn(selects, "s");
    spawn(plain, "q");
    co_await settle();
    for (int i = 1; i <= 3; ++i) REQUIRE(a.try_send(i));
    co_await settle();
    REQUIRE(log.text() == "p1 s2 q3");
}

GREEN_TEST("select: the same operation twice", "[select]") {
    channel<int> c;
    auto const body = [&]() -> task<int> {
        auto const v = co_await select(c.receive(), c.receive());
        co_return v.index() == 0 ? *std::get<0>(v) : *std::get<1>(v);
    };
    auto h = spawn(body);
    co_await settle();
    REQUIRE(c.try_send(5));
    REQUIRE_FALSE(c.try_send(6));
    int const n = co_await h;
    REQUIRE(n == 5);
}

// --- both directions

GREEN_TEST("select: a send never meets a receive of its own", "[select]") {
    channel<int> c;
    bool const over = co_await move_on_after(5ms, [](channel<int>& ch) -> task<> {
        co_await select(ch.send(1), ch.receive());
    }(c));
    REQUIRE_FALSE(over);
    REQUIRE(elapsed() == 5ms);
    REQUIRE_FALSE(c.try_send(1));
    REQUIRE_FALSE(c.try_receive().has_value());
}

GREEN_TEST("select: both directions of one channel, met from either side", "[select]") {
    channel<int> c;
    recorder log;
    auto const body = [&]() -> task<> {
        for (int i = 0; i < 2; ++i) {
            auto const v = co_await select(c.send(1), c.receive());
            log.note(v.index() == 0 ? "sent" : "got" + std::to_string(*std::get<1>(v)));
        }
    };
    auto h = spawn(body);
    co_await settle();
    auto const n = co_await c.receive();
    REQUIRE(n == 1);
    REQUIRE_FALSE(c.try_receive().has_value());
    co_await settle();
    co_await c.send(7);
    REQUIRE_FALSE(c.try_send(8));
    co_await h;
    REQUIRE(log.text() == "sent got7");
}

GREEN_TEST("select: two selects meet", "[select]") {
    channel<int> a;
    channel<int> b;
    recorder log;
    auto const one = [&]() -> task<> {
        auto const v = co_await select(a.send(1), b.receive());
        log.note("one" + std::to_string(v.index()));
    };
    auto const two = [&]() -> task<> {
        auto const v = co_await select(a.receive(), b.send(2));
        log.note("two" + std::to_string(v.index()));
    };
    auto h = spawn(one);
    auto g = spawn(two);
    co_await h;
    co_await g;
    // Either way, but the same way for both.
    bool const by_a = log.text().find("one0") != std::string::npos;
    REQUIRE(log.text().find(by_a ? "two0" : "two1") != std::string::npos);
    REQUIRE_FALSE(a.try_receive().has_value());
    REQUIRE_FALSE(a.try_send(1));
    REQUIRE_FALSE(b.try_receive().has_value());
    REQUIRE_FALSE(b.try_send(1));
}

GREEN_TEST("select: many selects of both directions on one channel pair up", "[select]") {
    channel<int> c;
    int sent = 0;
    int received = 0;
    auto const body = [&](int n) -> task<> {
        auto const v = co_await select(c.send(n), c.receive());
        ++(v.index() == 0 ? sent : received);
    };
    std::vector<join_handle<void>> all;
    for (int i = 0; i < 100; ++i) all.push_back(spawn(body, i));
    for (auto& h : all) co_await h;
    REQUIRE(sent == 50);
    REQUIRE(received == 50);
}

// --- with others

GREEN_TEST("select: locks and permits arrive as their guards", "[select]") {
    mutex m;
    shared_mutex table;
    semaphore s(0);
    queue<int> q;
    recorder log;
    auto held = co_await m.lock();
    auto writing = co_await table.lock();
    auto const body = [&]() -> task<> {
        auto v = co_await select(m.lock(), s.acquire(2), q.get(), table.lock_shared());
        log.note(std::to_string(v.index()));
        if (auto* const guard = std::get_if<0>(&v)) {
            REQUIRE(guard->owns_lock());
            REQUIRE(m.locked());
        }
        co_await yield();
    };
    auto h = spawn(body);
    co_await settle();
    held.unlock();
    co_await h;
    REQUIRE_FALSE(m.locked());
    held = co_await m.lock();
    h = spawn(body);
    co_await settle();
    s.release(1);
    co_await settle();
    s.release(1);
    REQUIRE(s.available() == 0);
    co_await h;
    REQUIRE(s.available() == 2);
    REQUIRE(s.try_acquire(2).count() == 2);
    s.try_acquire(2).forget();
    h = spawn(body);
    co_await settle();
    co_await q.put(1);
    REQUIRE(q.unfinished() == 1);
    co_await h;
    h = spawn(body);
    co_await settle();
    writing.unlock();
    co_await h;
    REQUIRE(log.text() == "0 1 2 3");
    REQUIRE(table.try_lock().owns_lock());
}

GREEN_TEST("select: a ready lock that is not chosen is not taken", "[select]") {
    for (int i = 0; i < 20; ++i) {
        mutex m;
        semaphore s(1);
        {
            auto const v = co_await select(m.lock(), s.acquire());
            REQUIRE(m.locked() == (v.index() == 0));
            REQUIRE(s.available() == (v.index() == 0 ? 1U : 0U));
        }
        REQUIRE_FALSE(m.locked());
        REQUIRE(s.available() == 1);
    }
}

GREEN_TEST("select: queue.put and queue.join", "[select]") {
    queue<int> q(1);
    co_await q.put(1);
    std::size_t which = 9;
    auto const body = [&]() -> task<> {
        auto const v = co_await select(q.put(2), q.join());
        which = v.index();
    };
    auto h = spawn(body);
    co_await settle();
    q.task_done();
    co_await h;
    REQUIRE(which == 1);
    REQUIRE(q.size() == 1);
}

// --- closed channels

GREEN_TEST("select: a closed channel is ready", "[select]") {
    channel<int> a;
    channel<int> b;
    b.close();
    auto const v = co_await select(a.receive(), b.receive());
    REQUIRE(v.index() == 1);
    REQUIRE_FALSE(std::get<1>(v).has_value());
    bool closed = false;
    try {
        co_await select(a.receive(), b.send(1));
    } catch (const closed_error&) {
        closed = true;
    }
    REQUIRE(closed);
    REQUIRE_FALSE(a.try_send(1));
}

GREEN_TEST("select: a channel that is closed meanwhile", "[select]") {
    recorder log;
    auto const body = [&](channel<int>& a, channel<int>& b, bool sends) -> task<> {
        try {
            if (sends) {
                co_await select(a.receive(), b.send(1));
                log.note("sent");
            } else {
                auto const v = co_await select(a.receive(), b.receive());
                log.note(std::get<1>(v) ? "got" : "end");
            }
        } catch (const closed_error& e) {
            log.note(e.what());
        }
    };
    for (bool sends : {false, true}) {
        channel<int> a;
        auto b = std::make_unique<channel<int>>();
        auto h = spawn(body, std::ref(a), std::ref(*b), sends);
        co_await settle();
        b->close();
        b.reset();
        co_await h;
        REQUIRE_FALSE(a.try_send(1));
    }
    REQUIRE(log.text() == "end channel.send: closed");
}

GREEN_TEST("select: closing a channel of which it waits for both ends", "[select]") {
    channel<int> c;
    bool closed = false;
    auto const body = [&]() -> task<> {
        try {
            co_await select(c.receive(), c.send(1));
        } catch (const closed_error&) {
            closed = true;
        }
    };
    auto h = spawn(body);
    co_await settle();
    c.close();
    co_await h;
    REQUIRE(closed);
}

// --- a case that throws

/// Throws on demand when it is moved.
struct reluctant {
    explicit reluctant(int n) : value(n) {}
    reluctant(reluctant&& o) : value(o.value) {
        if (value == fails_for) throw std::runtime_error("stays");
    }
    int value;
    static inline int fails_for = 0;
};

GREEN_TEST("select: a case that throws at once takes nothing of the others", "[select]") {
    mutex m;
    channel<int> c;
    auto const guard = co_await m.lock();
    for (int i = 0; i < 10; ++i) {
        std::string what;
        try {
            co_await select(c.receive(), m.lock());  // which it holds itself
        } catch (const std::logic_error& e) {
            what = e.what();
        }
        REQUIRE(what.find("holds it already") != std::string::npos);
    }
    REQUIRE_FALSE(c.try_send(1));
}

GREEN_TEST("select: an item whose move throws", "[select]") {
    channel<reluctant> full(1);
    channel<int> other;
    co_await full.send(reluctant(1));
    std::string what;
    auto const body = [&]() -> task<> {
        try {
            co_await with_timeout(1s, select(other.receive(), full.send(reluctant(2))));
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
    };
    auto h = spawn(body);
    co_await settle();
    reluctant::fails_for = 2;
    auto const got = full.try_receive();
    reluctant::fails_for = 0;
    REQUIRE(got->value == 1);
    co_await h;
    REQUIRE(what == "stays");
    REQUIRE(full.size() == 0);
    REQUIRE_FALSE(other.try_send(1));
}

GREEN_TEST("select: a move that throws before it is awaited", "[select]") {
    channel<reluctant> c(1);
    reluctant::fails_for = 0;
    auto s = select(c.send(reluctant(3)));
    reluctant::fails_for = 3;
    std::string what;
    try {
        co_await with_timeout(1s, std::move(s));
    } catch (const std::runtime_error& e) {
        what = e.what();
    }
    reluctant::fails_for = 0;
    REQUIRE(what == "stays");
    REQUIRE(c.size() == 0);
}

// --- limits, reports, fairness

GREEN_TEST("select: inside with_timeout and move_on_after", "[select]") {
    channel<std::unique_ptr<int>> a;
    channel<std::unique_ptr<int>> b;
    auto const none = co_await move_on_after(2ms, select(a.receive(), b.receive()));
    REQUIRE_FALSE(none.has_value());
    REQUIRE(elapsed() == 2ms);
    REQUIRE_FALSE(a.try_send(nullptr));
    auto const later = [&]() -> task<> {
        co_await sleep_for(1ms);
        co_await b.send(std::make_unique<int>(4));
    };
    spawn(later);
    auto const v = co_await with_timeout(5ms, select(a.receive(), b.receive()));
    REQUIRE(v.index() == 1);
    REQUIRE(**std::get<1>(v) == 4);
    REQUIRE(elapsed() == 3ms);
}

// conformance 180
GREEN_TEST("select: waits that time out leave nothing behind", "[select]") {
    channel<int> a;
    queue<int> q;
    for (int i = 0; i < 100'000; ++i) {
        co_await move_on_after(0ns, select(a.receive(), a.send(i), q.get()));
    }
    REQUIRE_FALSE(a.try_send(1));
    REQUIRE_FALSE(a.try_receive().has_value());
    REQUIRE(q.try_put(1));
    REQUIRE(q.size() == 1);
}

TEST_CASE("select: in a report of a deadlock", "[select]") {
    channel<int> a;
    channel<int> b;
    queue<int> jobs;
    mutex m;
    a.set_name("requests");
    jobs.set_name("jobs");
    std::string text;
    auto const holds = [&]() -> task<> {
        auto const g = co_await m.lock();
        co_await sleep_for(forever);
    };
    try {
        run(virtual_clock(), [&]() -> task<> {
            spawn({.name = "holder"}, holds);
            co_await yield();
            co_await select(a.receive(), b.send(1), jobs.get(), m.lock());
        });
    } catch (const deadlock_error& e) {
        text = e.what();
    }
    INFO(text);
    REQUIRE(
        text.find("'main' waits for select of channel.receive of 'requests' | channel.send | "
                  "queue.get of 'jobs' | mutex.lock, held by #2 'holder'") != std::string::npos
    );
}

// conformance 308
GREEN_TEST("select: who is always ready starves nobody", "[select]") {
    channel<int> c(8);
    bool stop = false;
    int passed = 0;
    auto const busy = [&]() -> task<> {
        while (!stop) {
            co_await select(c.send(1), c.receive());
            ++passed;
        }
    };
    auto h = spawn(busy);
    for (int i = 0; i < 10; ++i) co_await yield();
    stop = true;
    co_await h;
    REQUIRE(passed > 0);
    REQUIRE(passed < 10'000);
}

// --- the model

class several_channels final : public subject {
public:
    explicit several_channels(const std::vector<port_spec>& specs) {
        for (const port_spec& s : specs) channels_.emplace_back(s.capacity);
    }

    task<outcome> perform(const operation& o) override {
        return o.selects ? add_case(o) : channel_of(o.cases.front()).perform(o);
    }
    outcome try_put(int port, int value) override { return at(port).try_put(0, value); }
    outcome try_get(int port) override { return at(port).try_get(0); }
    void close(int port, bool) override { at(port).close(0, false); }
    bool task_done(int) override { return false; }
    port_state state(int port) const override {
        return channels_[static_cast<std::size_t>(port)].state(0);
    }

private:
    using one = single_subject<channel<item>>;

    one& at(int port) { return channels_[static_cast<std::size_t>(port)]; }
    one& channel_of(const operation_case& c) { return at(c.port); }

    /// From the list of cases to the arguments of select.
    template <class... Cases>
    task<outcome> add_case(const operation& o, Cases... cases) {
        constexpr std::size_t n = sizeof...(Cases);
        if constexpr (n > 0) {
            if (n == o.cases.size()) return take_one(select(std::move(cases)...));
        }
        if constexpr (n < 3) {
            auto const& next = o.cases[n];
            channel<item>& c = channel_of(next).port();
            if (next.how == direction::put) {
                return add_case(o, std::move(cases)..., c.send(item(next.value)));
            }
            return add_case(o, std::move(cases)..., c.receive());
        }
        throw std::logic_error("too many cases");
    }
    template <class Select>
    static task<outcome> take_one(Select s) {
        outcome result;
        try {
            auto const v = co_await std::move(s);
            result = std::visit([](const auto& x) { return outcome_of(x); }, v);
            result.which = static_cast<int>(v.index());
        } catch (const closed_error&) {
            result.what = outcome::kind::closed;
        }
        co_return result;
    }
    static outcome outcome_of(std::monostate) { return {outcome::kind::put}; }
    static outcome outcome_of(const std::optional<item>& i) { return one::outcome_of(i); }

    std::deque<one> channels_;
};

TEST_CASE("select: as its model", "[select][model]") {
    world_spec const one{{{0}}, true};
    world_spec const two{{{0}, {1}}, true};
    world_spec const three{{{0}, {0}, {2}}, true};
    for (const world_spec* spec : {&one, &two, &three}) {
        compare_with_model(*spec, [&] { return std::make_unique<several_channels>(spec->ports); });
    }
}

}  // namespace
