// The machine's own resolver, and stand-ins for it that say when they have been called.

#include <green/dns/system_lookup.hpp>

#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/dns/detail/system_call.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>

#include <atomic>
#include <cerrno>
#include <functional>
#include <new>
#include <semaphore>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <netdb.h>

using namespace green;
using namespace std::chrono_literals;
using detail::look_up_by;
using detail::system_answer;

namespace {

std::atomic<int> begun{0};
std::atomic<int> ended{0};
std::counting_semaphore<> gate{0};

/// Answers at once: the status that the name says, or one address.
system_answer answer_at_once(const std::string& host, int family) {
    if (host.starts_with("status")) return {std::stoi(host.substr(6)), ENETDOWN, {}};
    return {0, 0, {address::parse(family == 6 ? "2001:db8::1" : "192.0.2.1")}};
}

/// Waits for the gate.
system_answer answer_at_gate(const std::string& host, int family) {
    ++begun;
    gate.acquire();
    ++ended;
    return answer_at_once(host, family);
}

std::counting_semaphore<> late_gate{0};

system_answer answer_at_late_gate(const std::string& host, int family) {
    late_gate.acquire();
    return answer_at_once(host, family);
}

task<> until(const std::atomic<int>& count, int value) {
    while (count.load() != value) co_await sleep_for(1ms);
}

void open_gate(int calls) { gate.release(calls); }

task<std::string> outcome(detail::system_call call, std::string host, lookup_options options = {}) {
    try {
        auto const found = co_await look_up_by(call, std::move(host), 80, options);
        std::string text;
        for (const address& a : found) text += (text.empty() ? "" : " ") + a.to_string();
        co_return text;
    } catch (const std::exception& e) {
        co_return e.what();
    }
}

}  // namespace

GREEN_TEST("getaddrinfo_system: what needs no system", "[dns][system]") {
    auto const literal = co_await outcome(answer_at_gate, "::1");
    REQUIRE(literal == "[::1]:80");
    auto const other = co_await outcome(answer_at_gate, "::1", {.family = 4});
    REQUIRE(other == "resolve ::1: no_data (it has no address of this family)");
    auto const bad = co_await outcome(answer_at_gate, "127.1");
    REQUIRE(bad == "resolve 127.1: bad_name (numbers, but not an IPv4 address)");
}

GREEN_TEST("getaddrinfo_system: what the system says", "[dns][system]") {
    auto const found = co_await outcome(answer_at_once, "Printer.local");
    REQUIRE(found == "192.0.2.1:80");
    auto const six = co_await outcome(answer_at_once, "printer.local", {.family = 6});
    REQUIRE(six == "[2001:db8::1]:80");
    const std::pair<int, const char*> failures[] = {
        {EAI_NONAME, ": not_found"},    {EAI_NODATA, ": no_data"},
        {EAI_ADDRFAMILY, ": no_data"},  {EAI_AGAIN, ": server_failure"},
        {EAI_FAIL, ": server_failure"},
    };
    for (const auto& [status, words] : failures) {
        auto const said = co_await outcome(answer_at_once, "status" + std::to_string(status));
        INFO(said);
        REQUIRE(said.find(words) != std::string::npos);
        REQUIRE(said.find(gai_strerror(status)) != std::string::npos);
    }
    auto const system = co_await outcome(answer_at_once, "status" + std::to_string(EAI_SYSTEM));
    REQUIRE(system.find("Network is down") != std::string::npos);
    auto const memory = co_await outcome(answer_at_once, "status" + std::to_string(EAI_MEMORY));
    REQUIRE(memory == std::bad_alloc().what());
}

GREEN_TEST("getaddrinfo_system: this machine knows itself", "[dns][system]") {
    auto const found = co_await getaddrinfo_system("localhost", 80, {.family = 4});
    REQUIRE(found.front().to_string() == "127.0.0.1:80");
}

GREEN_TEST("getaddrinfo_system: cancelled before it starts", "[dns][system]") {
    begun = 0;
    auto lookup = spawn(outcome(answer_at_gate, "a.test"));
    lookup.cancel();
    co_await lookup.join();
    REQUIRE(lookup.cancelled());
    REQUIRE(begun == 0);
}

GREEN_TEST_REAL_CLOCK("getaddrinfo_system: the caller leaves, the call runs on", "[dns][system]") {
    begun = ended = 0;
    auto lookup = spawn(outcome(answer_at_gate, "a.test"));
    co_await until(begun, 1);
    lookup.cancel();
    co_await lookup.join();
    REQUIRE(lookup.cancelled());
    REQUIRE(ended == 0);
    open_gate(1);
    co_await until(ended, 1);
}

GREEN_TEST_REAL_CLOCK("getaddrinfo_system: a limit of time", "[dns][system]") {
    auto const late = co_await outcome(answer_at_late_gate, "b.test", {.timeout = 1ms});
    late_gate.release();  // for a call that has begun by now
    REQUIRE(late == "resolve b.test: timeout (the lookup's own limit)");
}

GREEN_TEST_REAL_CLOCK("getaddrinfo_system: so many at once, the rest in line", "[dns][system]") {
    begun = ended = 0;
    constexpr int many = int{detail::most_system_calls};
    std::vector<join_handle<std::string>> lookups;
    for (int i = 0; i < many + 2; ++i) lookups.push_back(spawn(outcome(answer_at_gate, "a.test")));
    co_await until(begun, many);
    // One that waits in line is dropped and never begins.
    lookups.back().cancel();
    co_await lookups.back().join();
    REQUIRE(begun == many);
    open_gate(many + 1);
    co_await joinall(lookups);
    REQUIRE(begun == many + 1);
    for (int i = 0; i < many + 1; ++i) {
        REQUIRE(lookups[static_cast<std::size_t>(i)].result() == "192.0.2.1:80");
    }
}

GREEN_TEST_REAL_CLOCK(
    "getaddrinfo_system: a result in the turn of the cancel wins", "[dns][system]"
) {
    begun = ended = 0;
    bool won = false;
    auto lookup = spawn(
        [](bool& got) -> task<> {
            auto const found = co_await look_up_by(answer_at_gate, "a.test", 0, {});
            got = !found.empty();
        },
        std::ref(won)
    );
    co_await until(begun, 1);
    open_gate(1);
    co_await until(ended, 1);
    lookup.cancel();  // the answer may be there already, or not
    co_await lookup.join();
    REQUIRE(won != lookup.cancelled());
}

TEST_CASE("getaddrinfo_system: the end of the run does not wait for a call", "[dns][system]") {
    begun = ended = 0;
    auto const main = []() -> task<> {
        auto lookup = spawn(outcome(answer_at_gate, "left-behind.test"));
        co_await until(begun, 1);
    };
    run(main);
    CHECK(ended == 0);
    open_gate(1);
    while (ended != 1) std::this_thread::yield();
}
