#include <green/sync/channel.hpp>

#include "support/exchange_model.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/timeout.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

/// Sends and receives that say when they are through: `s1`, `r1=5`, `r1=end`.
struct talk {
    channel<int>& c;
    recorder log{};

    task<> send(int n) {
        try {
            co_await c.send(n);
            log.note("s" + std::to_string(n));
        } catch (const closed_error&) {
            log.note("s" + std::to_string(n) + "=closed");
        }
    }
    task<> receive(int who) {
        auto const n = co_await c.receive();
        log.note("r" + std::to_string(who) + "=" + (n ? std::to_string(*n) : "end"));
    }
    join_handle<void> sender(int n) { return spawn(&talk::send, this, n); }
    join_handle<void> receiver(int who) { return spawn(&talk::receive, this, who); }
};

task<> settle() {
    for (int i = 0; i < 5; ++i) co_await yield();
}

// --- send

GREEN_TEST("channel.send: with room it does not suspend", "[channel]") {
    channel<int> c(2);
    bool suspended = false;
    spawn([&]() -> task<> {
        suspended = true;
        co_return;
    });
    co_await c.send(1);
    co_await c.send(2);
    REQUIRE_FALSE(suspended);
    REQUIRE(c.size() == 2);
    REQUIRE_FALSE(c.try_send(3));
    auto const n = co_await c.receive();
    REQUIRE(n == 1);
}

GREEN_TEST("channel.send: suspends while it is full, then completes", "[channel]") {
    channel<int> c(1);
    talk t{c};
    co_await c.send(1);
    t.sender(2);
    co_await settle();
    REQUIRE(t.log.text().empty());
    REQUIRE(c.size() == 1);
    auto const n = co_await c.receive();
    REQUIRE(n == 1);
    REQUIRE(c.size() == 1);  // the sender's value has moved up
    co_await settle();
    REQUIRE(t.log.text() == "s2");
}

GREEN_TEST("channel.send: cancelled before it starts", "[channel]") {
    channel<int> c(1);
    recorder log;
    auto const body = [&]() -> task<> {
        co_await shield(yield());
        log.note("sends");
        co_await c.send(1);
        log.note("never");
    };
    auto h = spawn(body);
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(log.text() == "sends");
    REQUIRE(c.size() == 0);
}

GREEN_TEST("channel.send: cancelled while it waits", "[channel]") {
    channel<int> c;
    talk t{c};
    auto first = t.sender(1);
    t.sender(2);
    co_await settle();
    first.cancel();
    auto const n = co_await c.receive();  // before the first has been unwound
    REQUIRE(n == 2);
    co_await first.join();
    REQUIRE(first.cancelled());
    REQUIRE(t.log.text() == "s2");
}

GREEN_TEST("channel.send: taken and cancelled in the same turn, it has been sent", "[channel]") {
    channel<int> c;
    talk t{c};
    auto h = t.sender(1);
    co_await settle();
    auto const n = c.try_receive();
    h.cancel();
    REQUIRE(n == 1);
    co_await h.join();
    REQUIRE(h.successful());
    REQUIRE(t.log.text() == "s1");
}

// --- receive

GREEN_TEST("channel.receive: a value that is there does not suspend", "[channel]") {
    channel<int> c(1);
    co_await c.send(7);
    bool suspended = false;
    spawn([&]() -> task<> {
        suspended = true;
        co_return;
    });
    auto const n = co_await c.receive();
    REQUIRE(n == 7);
    REQUIRE_FALSE(suspended);
}

GREEN_TEST("channel.receive: suspends while it is empty, then completes", "[channel]") {
    for (std::size_t capacity : {0, 1}) {
        channel<int> c(capacity);
        talk t{c};
        auto h = t.receiver(1);
        co_await settle();
        REQUIRE(t.log.text().empty());
        co_await c.send(5);
        co_await h;
        REQUIRE(t.log.text() == "r1=5");
    }
}

GREEN_TEST("channel.receive: cancelled before it starts", "[channel]") {
    channel<int> c(1);
    co_await c.send(1);
    auto const body = [&]() -> task<> {
        co_await shield(yield());
        co_await c.receive();
    };
    auto h = spawn(body);
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(c.size() == 1);
}

GREEN_TEST("channel.receive: cancelled while it waits", "[channel]") {
    channel<int> c;
    talk t{c};
    auto first = t.receiver(1);
    t.receiver(2);
    co_await settle();
    first.cancel();
    REQUIRE(c.try_send(5));  // before the first has been unwound
    co_await first.join();
    REQUIRE(first.cancelled());
    co_await settle();
    REQUIRE(t.log.text() == "r2=5");
}

// conformance 178
GREEN_TEST(
    "channel.receive: given a value and cancelled in the same turn, it has it", "[channel]"
) {
    channel<int> c(1);
    talk t{c};
    auto first = t.receiver(1);
    t.receiver(2);
    co_await settle();
    REQUIRE(c.try_send(5));
    first.cancel();
    REQUIRE(c.try_send(6));
    co_await first.join();
    co_await settle();
    REQUIRE(first.successful());
    REQUIRE(t.log.text() == "r1=5 r2=6");
}

// --- both

TEST_CASE("channel: waiters are destroyed by the end of the run", "[channel]") {
    channel<std::unique_ptr<int>> full(1);
    channel<std::unique_ptr<int>> empty;
    census frames;
    auto const sends = [&]() -> task<> {
        tracker const t(frames);
        co_await full.send(std::make_unique<int>(1));
        co_await full.send(std::make_unique<int>(2));
    };
    auto const receives = [&]() -> task<> {
        tracker const t(frames);
        co_await empty.receive();
    };
    run(virtual_clock(), [&]() -> task<> {
        spawn(sends);
        spawn(receives);
        co_await sleep_for(1ms);
        REQUIRE(frames.live() == 2);
    });
    REQUIRE(frames.born() == 2);
    REQUIRE(frames.clean());
    REQUIRE(full.size() == 1);
    empty.close();
    full.close();
}

// conformance 177
GREEN_TEST("channel: receivers are served in the order in which they came", "[channel]") {
    channel<int> c;
    talk t{c};
    for (int i = 1; i <= 3; ++i) t.receiver(i);
    co_await settle();
    for (int i = 1; i <= 3; ++i) REQUIRE(c.try_send(i));
    co_await settle();
    REQUIRE(t.log.text() == "r1=1 r2=2 r3=3");
}

GREEN_TEST("channel: senders are served in the order in which they came", "[channel]") {
    for (std::size_t capacity : {0, 2}) {
        channel<int> c(capacity);
        talk t{c};
        for (int i = 1; i <= 5; ++i) t.sender(i);
        co_await settle();
        std::string got;
        for (int i = 1; i <= 5; ++i) {
            auto const n = c.try_receive();
            got += std::to_string(n.value());
        }
        co_await settle();
        REQUIRE(got == "12345");
        REQUIRE(t.log.text() == "s1 s2 s3 s4 s5");
        REQUIRE_FALSE(c.try_receive().has_value());
    }
}

GREEN_TEST("channel: whoever comes later does not overtake", "[channel]") {
    channel<int> c(1);
    talk t{c};
    for (int i = 1; i <= 3; ++i) t.sender(i);
    co_await settle();
    auto n = c.try_receive();
    REQUIRE(n == 1);
    REQUIRE_FALSE(c.try_send(9));  // the room belongs to the sender that waits
    n = co_await c.receive();
    REQUIRE(n == 2);
    n = co_await c.receive();
    REQUIRE(n == 3);
    co_await settle();
    REQUIRE(t.log.text() == "s1 s2 s3");
}

// conformance 188: gevent's TestChannel.test_send
GREEN_TEST("channel of capacity 0: a send ends when its value is taken", "[channel]") {
    channel<std::string> c;
    recorder log;
    auto const sender = [&]() -> task<> {
        co_await c.send("hello");
        log.note("sent hello");
        co_await c.send("world");
        log.note("sent world");
    };
    spawn(sender);
    co_await settle();
    REQUIRE(log.text().empty());
    auto got = co_await c.receive();
    log.note("got " + *got);
    co_await yield();
    co_await yield();
    got = co_await c.receive();
    log.note("got " + *got);
    co_await settle();
    REQUIRE(log.text() == "got hello sent hello got world sent world");
    REQUIRE(c.size() == 0);
}

// conformance 188: gevent's TestChannel.test_wait
GREEN_TEST("channel of capacity 0: a value goes to the receiver that waits", "[channel]") {
    channel<std::string> c;
    recorder log;
    auto const receiver = [&]() -> task<> {
        auto got = co_await c.receive();
        log.note("got " + *got);
        got = co_await c.receive();
        log.note("got " + *got);
    };
    spawn(receiver);
    co_await yield();
    co_await c.send("hello");
    log.note("sent hello");
    co_await yield();
    co_await c.send("world");
    log.note("sent world");
    co_await settle();
    REQUIRE(log.text() == "sent hello got hello sent world got world");
}

// --- limits

GREEN_TEST("channel: with_timeout and move_on_after", "[channel]") {
    channel<std::unique_ptr<int>> c;
    auto const nothing = co_await move_on_after(2ms, c.receive());
    REQUIRE_FALSE(nothing.has_value());
    REQUIRE(elapsed() == 2ms);
    bool const sent = co_await move_on_after(3ms, c.send(std::make_unique<int>(1)));
    REQUIRE_FALSE(sent);
    REQUIRE(elapsed() == 5ms);
    bool timed_out = false;
    try {
        co_await with_timeout(1ms, c.receive());
    } catch (const timeout_error&) {
        timed_out = true;
    }
    REQUIRE(timed_out);
    auto const later = [&]() -> task<> {
        co_await sleep_for(1ms);
        co_await c.send(std::make_unique<int>(2));
    };
    spawn(later);
    auto const got = co_await with_timeout(10ms, c.receive());
    REQUIRE(**got == 2);
    REQUIRE(elapsed() == 7ms);
    REQUIRE_FALSE(c.try_send(std::make_unique<int>(3)));  // nobody is left in the queue
    REQUIRE_FALSE(c.try_receive().has_value());
}

GREEN_TEST("channel: a value that comes at the instant of the deadline is not lost", "[channel]") {
    channel<int> c;
    std::optional<std::optional<int>> got;
    auto const receiver = [&]() -> task<> { got = co_await move_on_after(5ms, c.receive()); };
    auto h = spawn(receiver);
    co_await sleep_for(5ms);
    bool const taken = c.try_send(1);
    co_await h;
    REQUIRE(taken == got.has_value());
}

// conformance 180
GREEN_TEST("channel: a wait that times out leaves nothing behind", "[channel]") {
    channel<int> c;
    for (int i = 0; i < 100'000; ++i) {
        if (i % 2 == 0) {
            co_await move_on_after(0ns, c.receive());
        } else {
            co_await move_on_after(0ns, c.send(i));
        }
    }
    REQUIRE_FALSE(c.try_send(1));
    REQUIRE_FALSE(c.try_receive().has_value());
}

// --- close

GREEN_TEST("channel.close: what is buffered can still be received", "[channel]") {
    channel<int> c(2);
    co_await c.send(1);
    co_await c.send(2);
    c.close();
    REQUIRE(c.closed());
    auto n = co_await c.receive();
    REQUIRE(n == 1);
    n = c.try_receive();
    REQUIRE(n == 2);
    n = co_await c.receive();
    REQUIRE_FALSE(n.has_value());
    REQUIRE_FALSE(c.try_receive().has_value());
    c.close();
    n = co_await c.receive();
    REQUIRE_FALSE(n.has_value());
}

GREEN_TEST("channel.close: nothing can be sent any more", "[channel]") {
    channel<int> c(2);
    c.set_name("squares");
    c.close();
    std::string what;
    try {
        co_await c.send(1);
    } catch (const closed_error& e) {
        what = e.what();
    }
    REQUIRE(what == "channel.send of 'squares': closed");
    REQUIRE_THROWS_AS(c.try_send(1), closed_error);
    c.set_name("");
    REQUIRE_THROWS_WITH(c.try_send(1), "channel.send: closed");
}

GREEN_TEST("channel.close: wakes who waits, in order", "[channel]") {
    channel<int> full(1);
    talk t{full};
    co_await full.send(0);
    t.sender(1);
    t.sender(2);
    co_await settle();
    full.close();
    co_await settle();
    REQUIRE(t.log.text() == "s1=closed s2=closed");
    REQUIRE(full.size() == 1);
    channel<int> empty;
    talk u{empty};
    u.receiver(1);
    u.receiver(2);
    co_await settle();
    empty.close();
    co_await settle();
    REQUIRE(u.log.text() == "r1=end r2=end");
}

GREEN_TEST("channel.close: and cancelled in the same turn", "[channel]") {
    channel<int> c;
    talk t{c};
    auto sender = t.sender(1);
    co_await settle();
    c.close();
    sender.cancel();
    co_await sender.join();
    REQUIRE(sender.successful());  // the end of the wait was there first
    REQUIRE(t.log.text() == "s1=closed");
}

GREEN_TEST("channel.close: the channel may be gone when they resume", "[channel]") {
    auto c = std::make_unique<channel<int>>();
    c->set_name("short-lived");
    talk t{*c};
    t.receiver(1);
    co_await settle();
    c->close();
    c.reset();
    co_await settle();
    REQUIRE(t.log.text() == "r1=end");

    c = std::make_unique<channel<int>>();
    c->set_name("short-lived");
    std::string what;
    auto const sends = [&]() -> task<> {
        try {
            co_await c->send(1);
        } catch (const closed_error& e) {
            what = e.what();
        }
    };
    spawn(sends);
    co_await settle();
    c->close();
    c.reset();
    co_await settle();
    REQUIRE(what == "channel.send of 'short-lived': closed");
}

GREEN_TEST("channel.receive: the same awaitable again", "[channel]") {
    channel<std::string> c(3);
    auto next = c.receive();
    co_await c.send("a");
    co_await c.send("b");
    c.close();
    auto s = co_await next;
    REQUIRE(s == "a");
    s = co_await next;
    REQUIRE(s == "b");
    s = co_await next;
    REQUIRE_FALSE(s.has_value());
}

GREEN_TEST("channel: the example of its page", "[channel]") {
    channel<int> squares(16);
    auto const producer = [&]() -> task<> {
        for (int i = 0; i < 100; ++i) co_await squares.send(i * i);
        squares.close();
    };
    auto h = spawn(producer);
    int sum = 0;
    while (auto n = co_await squares.receive()) sum += *n;
    REQUIRE(sum == 328350);
    co_await h;
}

// --- what goes through

/// Can be copied; its move is a copy. Both throw on demand.
struct copied {
    explicit copied(int n) : value(n) {}
    copied(const copied& o) : value(o.value) {
        if (fails_for == value) throw std::runtime_error("no copy of " + std::to_string(value));
    }
    int value;
    static inline int fails_for = 0;
};

/// Can only be moved, and throws on demand when it is.
struct reluctant {
    explicit reluctant(int n) : value(std::make_unique<int>(n)) {}
    reluctant(reluctant&& o) : value() {
        if (fails_for != 0 && o.value && *o.value == fails_for) throw std::runtime_error("stays");
        value = std::move(o.value);
    }
    std::unique_ptr<int> value;
    static inline int fails_for = 0;
};

GREEN_TEST("channel: of what can only be copied", "[channel]") {
    channel<copied> c(1);
    copied const one(1);
    co_await c.send(one);
    bool const room = c.try_send(one);
    REQUIRE_FALSE(room);
    auto const got = co_await c.receive();
    REQUIRE(got->value == 1);
}

GREEN_TEST("channel: a value whose move throws is the sender's failure", "[channel]") {
    channel<reluctant> c(1);
    co_await c.send(reluctant(1));
    recorder log;
    auto const sends = [&](int n) -> task<> {
        try {
            co_await c.send(reluctant(n));
            log.note("s" + std::to_string(n));
        } catch (const std::runtime_error& e) {
            log.note(e.what());
        }
    };
    for (int n : {2, 3}) spawn(sends, n);
    co_await settle();
    reluctant::fails_for = 2;
    auto const got = co_await c.receive();
    reluctant::fails_for = 0;
    REQUIRE(*got->value == 1);
    REQUIRE(c.size() == 1);  // the next one has moved up
    co_await settle();
    REQUIRE(log.text() == "stays s3");
    auto const next = co_await c.receive();
    REQUIRE(*next->value == 3);
}

GREEN_TEST("channel: a receiver waits on when the value's move throws", "[channel]") {
    channel<reluctant> c;
    std::optional<reluctant> got;
    auto const receives = [&]() -> task<> {
        auto r = co_await c.receive();
        got.emplace(std::move(*r));
    };
    auto h = spawn(receives);
    co_await settle();
    reluctant one(1);
    reluctant::fails_for = 1;
    REQUIRE_THROWS_WITH(c.try_send(std::move(one)), "stays");
    reluctant::fails_for = 0;
    REQUIRE(one.value != nullptr);
    REQUIRE(c.try_send(std::move(one)));
    co_await h;
    REQUIRE(*got->value == 1);
}

GREEN_TEST("channel: a value stays when the receiver's move of it throws", "[channel]") {
    channel<reluctant> c(1);
    co_await c.send(reluctant(1));
    reluctant::fails_for = 1;
    std::string what;
    try {
        co_await c.receive();
    } catch (const std::runtime_error& e) {
        what = e.what();
    }
    reluctant::fails_for = 0;
    REQUIRE(what == "stays");
    REQUIRE(c.size() == 1);
    auto const got = co_await c.receive();
    REQUIRE(*got->value == 1);
}

// --- fairness and reports

// conformance 308
GREEN_TEST("channel: who is always ready starves nobody", "[channel]") {
    channel<int> c(1'000'000);
    bool stop = false;
    std::uint64_t passed = 0;
    auto const busy = [&]() -> task<> {
        while (!stop) {
            co_await c.send(1);
            co_await c.receive();
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

// conformance 308
TEST_CASE("channel: ping-pong without end does not hold up the end of a run", "[channel]") {
    for (std::size_t capacity : {0, 1, 8}) {
        channel<int> ping(capacity);
        channel<int> pong(capacity);
        census frames;
        auto const player = [&](channel<int>& in, channel<int>& out) -> task<> {
            tracker const t(frames);
            while (auto ball = co_await in.receive()) co_await out.send(*ball + 1);
        };
        int ticks = 0;
        auto const body = [&]() -> task<> {
            watch_this_loop();
            spawn(player, std::ref(ping), std::ref(pong));
            spawn(player, std::ref(pong), std::ref(ping));
            co_await ping.send(0);
            for (; ticks < 3; ++ticks) co_await sleep_for(1ms);
        };
        run(real_clock(), body);
        REQUIRE(ticks == 3);
        REQUIRE(frames.clean());
    }
}

TEST_CASE("channel: in a report of a deadlock", "[channel]") {
    std::string text;
    channel<int> c;
    channel<int> named;
    named.set_name("numbers");
    auto const sends = [&]() -> task<> { co_await c.send(1); };
    try {
        run(virtual_clock(), [&]() -> task<> {
            spawn({.name = "sender"}, sends);
            co_await named.receive();
        });
    } catch (const deadlock_error& e) {
        text = e.what();
    }
    INFO(text);
    REQUIRE(text.find("'main' waits for channel.receive of 'numbers'") != std::string::npos);
    REQUIRE(text.find("'sender' waits for channel.send") != std::string::npos);
    REQUIRE(named.name() == "numbers");
    REQUIRE(c.name().empty());
}

TEST_CASE("channel: as its model", "[channel][model]") {
    for (std::size_t capacity : {0, 1, 3}) {
        world_spec const spec{{{capacity}}};
        compare_with_model(spec, [&] {
            return std::make_unique<single_subject<channel<item>>>(capacity);
        });
    }
}

}  // namespace
