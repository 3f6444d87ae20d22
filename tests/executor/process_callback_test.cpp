#include "executor/process_jobs.hpp"
#include "support/waits.hpp"

#include <green/executor/process.hpp>
#include <green/executor/process_executor.hpp>
#include <green/executor/promise.hpp>
#include <green/executor/wait.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace green;
using namespace green_test;

// Done callbacks and codecs run on the thread that hears of the ends of all others. It cannot wait for
// one of them.

namespace {

constexpr auto pool_waits = "green: deadlock: a callback of a process_executor waits for it";
constexpr auto process_waits = "green: deadlock: a callback of a process waits for a process";

/// What decoding it does.
std::function<void()> while_decoded;
struct decoded_with_care {};

int give_back(int status) { return status; }

}  // namespace

template <>
struct green::codec<decoded_with_care> {
    static void encode(encoder&, const decoded_with_care&) {}
    static decoded_with_care decode(decoder&) {
        while_decoded();
        return {};
    }
};

TEST_CASE("process_executor: a callback that waits for a job is told so", "[process_executor]") {
    meeting_point gate;
    process_executor pool(1);
    auto first = pool.submit(pass_gate, gate.path(), 1);
    auto second = pool.submit(square, 3);
    promise<std::string> said;
    first.add_done_callback([&](const future<int>& own) {
        static_cast<void>(own.result());
        said.set_value(error_of([&] { static_cast<void>(second.result()); }));
    });
    gate.value() = 1000;
    REQUIRE(said.get_future().result() == pool_waits);
    REQUIRE(second.result() == 9);
}

TEST_CASE(
    "process_executor: a callback that waits for one of several jobs is told so",
    "[process_executor]"
) {
    meeting_point gate;
    process_executor pool(1);
    auto first = pool.submit(pass_gate, gate.path(), 1);
    std::vector<future<int>> const others{pool.submit(square, 3), pool.submit(square, 4)};
    promise<std::string> said;
    first.add_done_callback([&](const future<int>& own) {
        static_cast<void>(own.result());
        wait_options const any{.return_when = return_when::first_completed};
        said.set_value(error_of([&] { blocking_wait(others, any); }));
    });
    gate.value() = 1000;
    REQUIRE(said.get_future().result() == pool_waits);
    REQUIRE(others[1].result() == 16);
}

TEST_CASE(
    "process_executor: a callback that waits for all workers is told so", "[process_executor]"
) {
    meeting_point gate;
    process_executor pool(2);
    auto first = pool.submit(pass_gate, gate.path(), 1);
    promise<std::string> said;
    first.add_done_callback([&](const future<int>& own) {
        static_cast<void>(own.result());
        said.set_value(error_of([&] { pool.warm().result(); }));
    });
    gate.value() = 1000;
    REQUIRE(said.get_future().result() == pool_waits);
    pool.warm().result();
}

TEST_CASE("process_executor: a callback waits for a job of another one", "[process_executor]") {
    meeting_point gate;
    process_executor pool(1);
    process_executor other(1);
    auto first = pool.submit(pass_gate, gate.path(), 1);
    promise<int> got;
    first.add_done_callback([&](const future<int>&) {
        got.set_value(other.submit(square, 3).result());
    });
    gate.value() = 1000;
    REQUIRE(got.get_future().result() == 9);
}

TEST_CASE("process_executor: a codec that waits for a job is told so", "[process_executor]") {
    meeting_point gate;
    process_executor pool(2);
    auto held = pool.submit(pass_gate, gate.path(), 2);
    while_decoded = [&] { static_cast<void>(held.result()); };
    auto first = pool.submit([] { return decoded_with_care(); });
    REQUIRE_THROWS_WITH(first.result(), pool_waits);
    gate.value() = 1000;
    REQUIRE(held.result() == 2);
}

TEST_CASE("process_executor: a callback does not wait for the end", "[process_executor]") {
    meeting_point gate;
    process_executor pool(1);
    auto first = pool.submit(pass_gate, gate.path(), 1);
    meeting_point second_gate;
    auto second = pool.submit(pass_gate, second_gate.path(), 2);
    promise<void> returned;
    first.add_done_callback([&](const future<int>&) {
        pool.shutdown({.grace = 1ms});
        returned.set_value();
    });
    gate.value() = 1000;
    returned.get_future().result();
    second_gate.value() = 1000;
    REQUIRE(second.result() == 2);
}

TEST_CASE("process: a callback that waits for another one is told so", "[process]") {
    meeting_point gate;
    meeting_point begun;
    process const first = process::start<pass_gate>(gate.path(), 1);
    process const second = process::start<hang>(begun.path());
    promise<std::string> said;
    first.ended().add_done_callback([&](const future<int>&) {
        said.set_value(error_of([&] { second.join(); }));
    });
    gate.value() = 1000;
    REQUIRE(said.get_future().result() == process_waits);
    second.kill();
    REQUIRE(second.join());
}

TEST_CASE("process: a callback that waits for one of several others is told so", "[process]") {
    meeting_point gate;
    meeting_point begun;
    process const first = process::start<pass_gate>(gate.path(), 1);
    process const second = process::start<hang>(begun.path());
    process const third = process::start<hang>(begun.path());
    promise<std::string> said;
    first.ended().add_done_callback([&](const future<int>&) {
        std::vector<future<int>> const others{second.ended(), third.ended()};
        wait_options const any{.return_when = return_when::first_completed};
        said.set_value(error_of([&] { blocking_wait(others, any); }));
    });
    gate.value() = 1000;
    REQUIRE(said.get_future().result() == process_waits);
    second.kill();
    third.kill();
}

TEST_CASE("process: a callback starts the next one", "[process]") {
    meeting_point gate;
    process const first = process::start<pass_gate>(gate.path(), 1);
    promise<std::pair<future<int>, future<int>>> next;
    first.ended().add_done_callback([&](const future<int>&) {
        // Its end comes while this one is started, and is told of afterwards.
        process const short_lived = process::start<give_back>(7);
        process const second = process::start<give_back>(8);
        next.set_value(std::pair(short_lived.ended(), second.ended()));
    });
    gate.value() = 1000;
    auto const [short_lived, second] = next.get_future().result();
    REQUIRE(short_lived.result() == 7);
    REQUIRE(second.result() == 8);
}
