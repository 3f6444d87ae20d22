#include "net/http_talk.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/http/http.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

using namespace green;
using namespace green_test;
using namespace std::chrono_literals;

namespace {

/// A body that does not come to its end.
task<> half(http_site& server, tcp_stream& s, const http_seen& request) {
    co_await s.write_all("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    co_await silence(server, s, request);
}

}  // namespace

GREEN_TEST("http: a request that is cancelled leaves nothing behind", "[http]") {
    http_server server;
    server.handle("/silent", &silence);
    server.handle("/half", &half);
    server.give("/", "hello");
    http::client_options narrow;
    narrow.max_connections = 1;
    http::client client(narrow);
    // Before it starts.
    auto unborn = spawn(page(client, server.url()));
    unborn.cancel();
    co_await sleep_for(1ms);
    REQUIRE(unborn.cancelled());
    REQUIRE(server.connections == 0);
    // While it waits for the response, and in line behind that one.
    auto waiting = spawn(page(client, server.url("/silent")));
    auto in_line = spawn(page(client, server.url("/silent")));
    co_await sleep_for(1ms);
    REQUIRE(client.in_flight() == 1);
    in_line.cancel();
    waiting.cancel();
    REQUIRE(client.in_flight() == 1);
    co_await waiting.join();
    co_await in_line.join();
    REQUIRE(client.in_flight() == 0);
    co_await all_gone(server);
    REQUIRE(server.seen.size() == 1);
    // In the body.
    auto reading = spawn(page(client, server.url("/half")));
    co_await sleep_for(1ms);
    reading.cancel();
    co_await reading.join();
    co_await all_gone(server);
    REQUIRE(client.in_flight() == 0);
    std::string const text = co_await page(client, server.url());
    REQUIRE(text == "hello");
}

GREEN_TEST_REAL_CLOCK("http: a request that is cancelled at any step", "[http]") {
    http_server server;
    server.handle("/", &echo_request);
    server.say("/to", "HTTP/1.1 307 T\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
    http::client client;
    auto const exchange = [&]() -> task<> {
        http::request_options o;
        o.body = pattern(300'000);
        http::response r = co_await client.post(server.url("/to"), o.body, o);
        std::string const text = co_await r.text();
        if (text != "POST " + o.body) throw std::runtime_error("another answer");
    };
    co_await exchange();
    bool over = false;
    for (std::uint64_t steps = 0; !over; ++steps) {
        auto asking = spawn(exchange);
        co_await let_step(steps, asking);
        over = asking.done();
        asking.cancel();
        co_await asking.join();
        REQUIRE((over || asking.cancelled()));
        REQUIRE(client.in_flight() == 0);
    }
    co_await exchange();
}

GREEN_TEST("http: a read that is cancelled loses nothing", "[http]") {
    http_server server;
    server.handle("/", &slowly);
    http::response r = co_await http::get(server.url());
    auto const none = co_await move_on_after(500ms, r.read());
    REQUIRE_FALSE(none);
    std::string const all = co_await r.text();
    REQUIRE(all == "onetwosix");
}

GREEN_TEST("http: a read is done although it is cancelled in the same turn", "[http]") {
    http_server server;
    server.give("/", "hello");
    http::response r = co_await http::get(server.url());
    auto reader = spawn(&http::response::read, &r);
    co_await yield();
    reader.cancel();
    co_await reader.join();
    std::string rest = co_await body_of(r);
    REQUIRE(reader.value().value_or("") + rest == "hello");
}

GREEN_TEST("http: one task reads at a time; closing wakes it", "[http]") {
    http_server server;
    server.handle("/", &half);
    http::response r = co_await http::get(server.url());
    std::string const begin = co_await r.read();
    REQUIRE(begin == "hello");
    auto const first = spawn(body_of(r));
    co_await sleep_for(1ms);
    std::string const second = co_await body_of(r);
    REQUIRE(second == "green: GET " + server.url() + ": the body: another task waits for the same");
    r.close();
    r.close();
    std::string const closed = co_await first;
    REQUIRE(closed == "GET " + server.url() + ": the response was closed");
    co_await all_gone(server);
}

GREEN_TEST("http: a client that closes, and responses that stay", "[http]") {
    http_server server;
    server.handle("/", &half);
    server.handle("/silent", &silence);
    server.handle("/slow", &slowly);
    std::optional<http::client> client(std::in_place);
    http::response r = co_await client->get(server.url());
    auto const waiting = spawn(page(*client, server.url("/silent")));
    co_await sleep_for(1ms);
    client->close();
    client->close();
    std::string what;
    try {
        co_await waiting;
    } catch (const closed_error& e) {
        what = e.what();
    }
    REQUIRE(what == "GET " + server.url("/silent") + ": the client was closed");
    std::string const text = co_await body_of(r);
    REQUIRE(text == "GET " + server.url() + ": the client was closed");
    bool closed = false;
    try {
        co_await client->get(server.url());
    } catch (const closed_error&) {
        closed = true;
    }
    REQUIRE(closed);
    client.emplace();
    http::response stays = co_await client->get(server.url("/slow"));
    client.reset();
    std::string const all = co_await stays.text();
    REQUIRE(all == "onetwosix");
}

GREEN_TEST("http: the end of a run ends what is under way", "[http]") {
    http_server here;
    here.handle("/", &half);
    here.handle("/silent", &silence);
    spawn(outcome(here.url()));
    spawn(outcome(here.url("/silent")));
    co_await sleep_for(1ms);
    REQUIRE(here.busy() == 2);
}

TEST_CASE("http: a response that is older than its loop's end", "[http]") {
    std::optional<http::response> r;
    std::optional<http::client> client;
    run([&]() -> task<> {
        http_server server;
        server.handle("/", &half);
        client.emplace();
        r.emplace(co_await client->get(server.url()));
    });
    REQUIRE(r->status() == 200);
    run([&]() -> task<> {
        std::string what;
        try {
            co_await r->read();
        } catch (const std::exception& e) {
            what = e.what();
        }
        REQUIRE(what.ends_with(": the client was closed"));
        bool closed = false;
        try {
            co_await client->get("http://127.0.0.1:1/");
        } catch (const closed_error&) {
            closed = true;
        }
        REQUIRE(closed);
    });
}

TEST_CASE("http: a client belongs to its loop", "[http]") {
    std::string what;
    auto const elsewhere = [&](http::client& client) -> task<> {
        try {
            co_await client.get("http://127.0.0.1:1/");
        } catch (const std::logic_error& e) {
            what = e.what();
        }
    };
    run([&]() -> task<> {
        http::client client;
        std::thread([&] { run(elsewhere, std::ref(client)); }).join();
        co_return;
    });
    REQUIRE(what == "green: http: the client belongs to another loop");
}
