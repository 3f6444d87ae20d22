#pragma once

// What every awaitable of sync/ has to pass, written once.
//
// A subject is a primitive together with what it takes to make its wait suspend and go through:
//
//     struct subject {
//         explicit subject(int waiters);    // for so many
//         static constexpr bool can_be_ready;
//         void close();                     // from now on the wait suspends
//         void open();                      // one waiter at least goes through
//         task<> pass();                    // waits, and at its end gives back what it got
//         bool intact();                    // open, nobody waits, and nothing is missing
//     };

#include "support/green_test.hpp"
#include "support/text.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/this_task.hpp>
#include <green/tasks/timeout.hpp>

#include <optional>
#include <string>
#include <vector>

namespace green_test {

/// The text of the deadlock_error of running `body`; empty if there was none.
template <class F>
std::string deadlock_of(F body) {
    try {
        green::run(virtual_clock(), body);
    } catch (const green::deadlock_error& e) {
        return e.what();
    }
    return {};
}

/// The text of the `Error` that `f()` throws; "none" if it throws none.
template <class Error = std::logic_error, class F>
std::string error_of(F f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return "none";
}

/// The same of what awaiting `a` throws.
template <class Error = std::logic_error, green::awaitable A>
green::task<std::string> error_of_wait(A a) {
    std::string text = "none";
    try {
        static_cast<void>(co_await std::move(a));
    } catch (const Error& e) {
        text = e.what();
    }
    co_return text;
}

/// Until nothing is ready any more: the virtual clock moves only then.
inline auto settle() { return green::sleep_for(1ns); }

namespace five {

template <class S>
green::task<> pass_and_note(S& s, recorder& log, std::string name) {
    co_await s.pass();
    log.note(name);
}

template <class S>
green::task<> ready_at_once() {
    S s(1);
    bool other_ran = false;
    auto const other = [&]() -> green::task<> {
        other_ran = true;
        co_return;
    };
    auto const h = green::spawn(other);
    co_await s.pass();
    REQUIRE_FALSE(other_ran);
    REQUIRE(s.intact());
    co_await h.join();
}

template <class S>
green::task<> suspends_then_completes() {
    S s(1);
    recorder log;
    s.close();
    auto const h = green::spawn(pass_and_note(s, log, "through"));
    co_await green::sleep_for(1ms);
    REQUIRE_FALSE(h.done());
    s.open();
    REQUIRE_FALSE(h.done());  // not inside open()
    co_await h;
    REQUIRE(log.text() == "through");
    REQUIRE(s.intact());
}

template <class S>
green::task<> cancelled_before_it_starts() {
    for (bool const closed : {false, true}) {
        S s(1);
        recorder log;
        if (closed) s.close();
        auto h = green::spawn(pass_and_note(s, log, "never"));
        h.cancel();  // before its first step
        co_await h.join();
        REQUIRE(h.cancelled());
        auto const cancels_itself = [&]() -> green::task<> {
            h.cancel();
            co_await pass_and_note(s, log, "never");
        };
        h = green::spawn(cancels_itself);
        co_await h.join();
        REQUIRE(h.cancelled());
        REQUIRE(log.text().empty());
        if (closed) s.open();
        REQUIRE(s.intact());
    }
}

template <class S>
green::task<> cancelled_while_it_waits() {
    S s(3);
    recorder log;
    census frames;
    s.close();
    auto const waiter = [&](const char* name) -> green::task<> {
        tracker const t(frames);
        co_await pass_and_note(s, log, name);
    };
    std::vector<green::join_handle<void>> handles;
    for (const char* name : {"first", "second", "third"})
        handles.push_back(green::spawn(waiter, name));
    co_await green::sleep_for(1ms);
    REQUIRE(frames.live() == 3);
    for (auto& h : handles) h.cancel();
    co_await green::sleep_for(1ms);
    REQUIRE(frames.clean());
    for (auto& h : handles) REQUIRE(h.cancelled());
    s.open();
    co_await settle();
    REQUIRE(log.text().empty());
    REQUIRE(s.intact());
}

/// The result wins, and what it brought is not lost.
template <class S>
green::task<> completed_and_cancelled_in_one_turn() {
    S s(1);
    recorder log;
    s.close();
    auto const waiter = [&]() -> green::task<> {
        co_await pass_and_note(s, log, "through");
        co_await green::yield();
        log.note("never");
    };
    auto h = green::spawn(waiter);
    co_await green::sleep_for(1ms);
    s.open();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(log.text() == "through");
    REQUIRE(s.intact());
}

/// The other way round: the next one gets it.
template <class S>
green::task<> cancelled_and_completed_in_one_turn() {
    S s(2);
    recorder log;
    s.close();
    auto first = green::spawn(pass_and_note(s, log, "first"));
    auto const second = green::spawn(pass_and_note(s, log, "second"));
    co_await green::sleep_for(1ms);
    first.cancel();
    s.open();
    co_await settle();
    REQUIRE(first.cancelled());
    REQUIRE(second.successful());
    REQUIRE(log.text() == "second");
    REQUIRE(s.intact());
}

template <class S>
green::task<> first_come_first_served() {
    S s(6);
    recorder log;
    s.close();
    std::vector<green::join_handle<void>> handles;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        handles.push_back(green::spawn(pass_and_note(s, log, name)));
    }
    co_await green::sleep_for(1ms);
    handles[1].cancel();
    handles[5].cancel();
    for (int i = 0; i < 6; ++i) {
        s.open();
        co_await settle();
    }
    REQUIRE(log.text() == "a c d e");
    REQUIRE(s.intact());
}

/// conformance 197, 198, 200
template <class S>
green::task<> with_a_limit() {
    S s(1);
    s.close();
    auto start = green::now();
    bool in_time = co_await green::move_on_after(1s, s.pass());
    REQUIRE_FALSE(in_time);
    REQUIRE(green::now() - start == 1s);
    start = green::now();
    std::string error =
        co_await error_of_wait<green::timeout_error>(green::with_timeout(2s, s.pass()));
    REQUIRE(error == "with_timeout: not done after 2000 ms");
    REQUIRE(green::now() - start == 2s);
    // The outer one is the smaller.
    start = green::now();
    error = co_await error_of_wait<green::timeout_error>(
        green::with_timeout(1s, green::move_on_after(3s, s.pass()))
    );
    REQUIRE(error == "with_timeout: not done after 1000 ms");
    REQUIRE(green::now() - start == 1s);
    // The inner one is.
    start = green::now();
    in_time = true;
    auto const nested = [&]() -> green::task<> {
        in_time = co_await green::move_on_after(1s, s.pass());
    };
    co_await green::with_timeout(3s, nested());
    REQUIRE_FALSE(in_time);
    REQUIRE(green::now() - start == 1s);
    // It comes at the very instant: a value wins.
    start = green::now();
    auto const opens = [&]() -> green::task<> {
        co_await green::sleep_for(1s);
        s.open();
    };
    auto const h = green::spawn(opens);
    in_time = co_await green::move_on_after(1s, s.pass());
    REQUIRE(in_time);
    REQUIRE(green::now() - start == 1s);
    co_await h;
    REQUIRE(s.intact());
}

/// A limit holds inside a shield, a cancel does not.
template <class S>
green::task<> in_a_shield() {
    S s(1);
    recorder log;
    s.close();
    auto const body = [&]() -> green::task<> {
        bool const in_time = co_await green::shield(green::move_on_after(1s, s.pass()));
        log.stamp(in_time ? "in time" : "late");
        co_await s.pass();
        log.note("never");
    };
    auto const start = green::now();
    auto h = green::spawn(body);
    co_await green::sleep_for(1ms);
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(green::now() - start == 1s);
    REQUIRE(contains(log.text(), "late"));
    s.open();
    co_await settle();
    REQUIRE(s.intact());
}

}  // namespace five

/// The five tests, and what belongs to them. On the virtual clock.
template <class S>
green::task<> five_tests() {
    if constexpr (S::can_be_ready) co_await five::ready_at_once<S>();
    co_await five::suspends_then_completes<S>();
    co_await five::cancelled_before_it_starts<S>();
    co_await five::cancelled_while_it_waits<S>();
    co_await five::completed_and_cancelled_in_one_turn<S>();
    co_await five::cancelled_and_completed_in_one_turn<S>();
    co_await five::first_come_first_served<S>();
    co_await five::with_a_limit<S>();
    co_await five::in_a_shield<S>();
}

/// Main ends while three wait. Not in a green task.
template <class S>
void destroyed_by_the_end_of_run() {
    S s(3);
    census frames;
    recorder log;
    auto const body = [&]() -> green::task<> {
        s.close();
        auto const waiter = [](S* subject, recorder* l, census* c) -> green::task<> {
            tracker const t(*c);
            co_await five::pass_and_note(*subject, *l, "never");
        };
        for (int i = 0; i < 3; ++i) green::spawn(waiter, &s, &log, &frames);
        co_await green::sleep_for(1ms);
        REQUIRE(frames.live() == 3);
    };
    green::run(virtual_clock(), body);
    REQUIRE(frames.clean());
    REQUIRE(log.text().empty());
    auto const afterwards = [&]() -> green::task<> {
        s.open();
        co_await settle();
        REQUIRE(s.intact());
    };
    green::run(virtual_clock(), afterwards);
}

}  // namespace green_test
