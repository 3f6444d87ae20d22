#include <green/net/serve_on_all_cores.hpp>

#include "net/streams.hpp"

#include <green/tasks/as_result.hpp>

#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace green;
using namespace green_test;

namespace {

task<> echo(tcp_stream peer) {
    for (;;) {
        chunk const c = co_await peer.read();
        if (c.empty()) co_return;
        if (c.view() == "fail") throw std::runtime_error("a bad request");
        co_await peer.write_all(c.view());
    }
}

struct echo_maker {
    std::atomic<int>* made;
    auto operator()() const {
        made->fetch_add(1, std::memory_order_relaxed);
        return echo;
    }
};

tcp_listener shared_port() { return tcp_listener::bind("127.0.0.1", 0, {.reuse_port = true}); }

/// Asks `n` times, over a connection each.
task<> ask(address server, int n) {
    for (int i = 0; i < n; ++i) {
        tcp_stream s = co_await tcp_stream::connect(server);
        co_await s.write_all("hello");
        std::string const answer = co_await read_once(s);
        REQUIRE(answer == "hello");
    }
}

/// Has `n` connections fail.
task<> fail(address server, int n) {
    for (int i = 0; i < n; ++i) {
        tcp_stream s = co_await tcp_stream::connect(server);
        co_await s.write_all("fail");
        static_cast<void>(co_await read_once(s));
    }
}

/// Until all of so many loops have made their handler: their listeners are there.
task<> until(const std::atomic<int>& made, int loops) {
    while (made.load(std::memory_order_relaxed) < loops) co_await sleep_for(1ms);
}

}  // namespace

GREEN_TEST_REAL_CLOCK("serve_on_all_cores: each loop serves, a close ends all", "[serve]") {
    tcp_listener first = shared_port();
    std::atomic<int> made = 0;
    auto const serving = spawn(serve_on_all_cores(first, echo_maker{&made}, {.loops = 3}));
    co_await until(made, 3);
    co_await ask(first.local_address(), 60);
    first.close();
    serve_report const r = co_await serving;
    REQUIRE(r.accepted == 60);
    REQUIRE(r.served == 60);
    REQUIRE(made == 3);
}

GREEN_TEST_REAL_CLOCK("serve_on_all_cores: a cancel ends the handlers of all loops", "[serve]") {
    tcp_listener first = shared_port();
    std::atomic<int> made = 0;
    auto serving = spawn(serve_on_all_cores(first, echo_maker{&made}, {.loops = 2}));
    co_await until(made, 2);
    std::vector<tcp_stream> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(co_await tcp_stream::connect(first.local_address()));
        co_await clients.back().write_all("hello");
        static_cast<void>(co_await read_once(clients.back()));
    }
    serving.cancel();
    serve_report const r = co_await serving;
    REQUIRE(r.accepted == 20);
    REQUIRE(r.cancelled == 20);
    for (tcp_stream& c : clients) {
        std::string const end = co_await read_once(c);
        REQUIRE(end.empty());
    }

    auto early = spawn(serve_on_all_cores(address::parse("127.0.0.1"), echo_maker{&made}));
    co_await yield();
    early.cancel();  // perhaps before its threads have begun
    serve_report const none = co_await early;
    REQUIRE(none == serve_report{});
}

GREEN_TEST_REAL_CLOCK(
    "serve_on_all_cores: failures of all loops come to the one that waits", "[serve]"
) {
    tcp_listener first = shared_port();
    std::atomic<int> made = 0;
    int failures = 0;
    this_loop().on_unhandled([&](const unhandled_failure& f) {
        failures += contains(f.report, "a bad request") ? 1 : 0;
    });
    auto const serving = spawn(serve_on_all_cores(first, echo_maker{&made}, {.loops = 2}));
    co_await until(made, 2);
    co_await fail(first.local_address(), 20);
    first.close();
    serve_report const r = co_await serving;
    REQUIRE(r.failed == 20);
    REQUIRE(failures == 20);
}

GREEN_TEST_REAL_CLOCK("serve_on_all_cores: an on_error of one's own", "[serve]") {
    auto const here = std::this_thread::get_id();
    std::string unhandled;
    this_loop().on_unhandled([&](const unhandled_failure& f) { unhandled += f.report; });
    for (int const loops : {1, 2}) {
        tcp_listener first = shared_port();
        all_cores_options options;
        options.loops = static_cast<std::size_t>(loops);
        std::atomic<int> made = 0;
        std::vector<std::string> errors;
        auto const on_error = [&](const std::exception_ptr& e) {
            if (std::this_thread::get_id() != here) throw std::logic_error("on another thread");
            errors.push_back(detail::describe(e));
            if (errors.size() == 20) throw std::runtime_error("too many");
        };
        auto const serving = spawn(serve_on_all_cores(first, echo_maker{&made}, options, on_error));
        co_await until(made, loops);
        co_await fail(first.local_address(), 20);
        first.close();
        serve_report const r = co_await serving;
        REQUIRE(r.failed == 20);
        REQUIRE(errors == std::vector<std::string>(20, "a bad request"));
        REQUIRE(contains(std::exchange(unhandled, {}), "too many"));
    }
}

GREEN_TEST_REAL_CLOCK("serve_on_all_cores: a loop that cannot listen ends all", "[serve]") {
    tcp_listener first = tcp_listener::bind("127.0.0.1", 0);  // its port is not shared
    std::atomic<int> made = 0;
    std::string const error = co_await error_of_wait<std::system_error>(
        serve_on_all_cores(first, echo_maker{&made}, {.loops = 2})
    );
    REQUIRE(
        error == "listen tcp " + first.local_address().to_string() + ": Address already in use"
    );
}
