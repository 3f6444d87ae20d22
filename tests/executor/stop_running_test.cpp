#include "executor/conformance.hpp"

#include <green/core/errors.hpp>
#include <green/executor/future.hpp>
#include <green/executor/worker_died.hpp>

#include <stop_token>
#include <string>
#include <vector>

using namespace green;
using namespace green_test;

// A shutdown that asks what runs to stop.

namespace {

int until_stopped(std::stop_token stop, const std::string& announcement) {
    std::ofstream(announcement).put('x');
    while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
    return 7;
}
/// Says that it was asked, and goes on.
int notes_and_passes(
    std::stop_token stop,
    const std::string& announcement,
    const std::string& note,
    const std::string& gate
) {
    std::stop_callback const asked(stop, [&] { std::ofstream(note).put('x'); });
    return announce_and_pass(announcement, gate);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("executor: shutdown that stops what runs", "[executor]", executors) {
    std::vector<file_gate> begun(2);
    TestType pool(2);
    auto first = pool.submit(until_stopped, begun[0].path());
    auto second = pool.submit(until_stopped, begun[1].path());
    for (const file_gate& gate : begun) pass(gate.path());
    auto queued = pool.submit(until_stopped, begun[0].path());
    auto last = pool.submit(square, 3);
    pool.shutdown({.stop_running = true});
    REQUIRE(first.result() == 7);
    REQUIRE(second.result() == 7);
    REQUIRE(queued.cancelled());
    REQUIRE(last.cancelled());
}

TEMPLATE_LIST_TEST_CASE(
    "executor: what runs is stopped and not waited for", "[executor]", executors
) {
    file_gate begun;
    TestType pool(1);
    auto running = pool.submit(until_stopped, begun.path());
    pass(begun.path());
    pool.shutdown({.wait = false, .stop_running = true});
    REQUIRE(running.result() == 7);
}

// One that takes no token runs to its end, and so does one that does not listen.
TEMPLATE_LIST_TEST_CASE("executor: shutdown asks and does not cut off", "[executor]", executors) {
    file_gate begun;
    file_gate deaf_begun;
    file_gate asked;
    file_gate gate;
    TestType pool(2);
    auto deaf = pool.submit(announce_and_pass, deaf_begun.path(), gate.path());
    auto stubborn = pool.submit(notes_and_passes, begun.path(), asked.path(), gate.path());
    pass(begun.path());
    pass(deaf_begun.path());
    std::jthread const opener([&] {
        pass(asked.path());
        gate.open();
    });
    pool.shutdown({.stop_running = true});
    REQUIRE(deaf.result() == 1);
    REQUIRE(stubborn.result() == 1);
}

TEMPLATE_LIST_TEST_CASE("executor: a second shutdown stops what runs", "[executor]", executors) {
    file_gate begun;
    TestType pool(1);
    auto running = pool.submit(until_stopped, begun.path());
    pass(begun.path());
    auto queued = pool.submit(square, 3);
    pool.shutdown({.wait = false});
    REQUIRE_FALSE(running.done());
    pool.shutdown({.stop_running = true});
    REQUIRE(running.result() == 7);
    REQUIRE(queued.cancelled());
}

TEST_CASE("process_executor: who does not stop in time is killed", "[process_executor]") {
    file_gate begun;
    file_gate stubborn_begun;
    file_gate asked;
    file_gate gate;
    process_executor pool(2);
    auto listens = pool.submit(until_stopped, begun.path());
    auto stubborn = pool.submit(notes_and_passes, stubborn_begun.path(), asked.path(), gate.path());
    pass(begun.path());
    pass(stubborn_begun.path());
    pool.shutdown({.wait = false, .stop_running = true});
    pass(asked.path());
    REQUIRE(listens.result() == 7);
    pool.shutdown({.grace = 1ms, .stop_running = true});
    REQUIRE_THROWS_AS(stubborn.result(), worker_died);
}

TEST_CASE("process_executor: a stop ends jobs that a cancel kills", "[process_executor]") {
    file_gate begun;
    file_gate gate;
    process_executor pool(1);
    auto killed = pool.submit(
        job_options{.on_cancel = cancel_policy::kill}, announce_and_pass, begun.path(), gate.path()
    );
    pass(begun.path());
    pool.shutdown({.stop_running = true});
    REQUIRE(killed.cancelled());
}
