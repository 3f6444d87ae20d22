#include "net/http_talk.hpp"
#include "support/green_test.hpp"

#include <green/dns/default_resolver.hpp>
#include <green/http/http.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/testing/dns_server.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace green;
using namespace green_test;
using namespace std::chrono_literals;

namespace {

/// Some virtual time in which others may come.
task<> after_a_moment(http_site&, tcp_stream& s, const http_seen&) {
    co_await sleep_for(1ms);
    std::string const response = http_ok("here");
    co_await s.write_all(response);
}

task<> reset(http_site&, tcp_stream& s, const http_seen&) {
    s.reset();
    co_return;
}

task<> reset_in_the_body(http_site&, tcp_stream& s, const http_seen&) {
    co_await s.write_all("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    co_await sleep_for(1s);
    s.reset();
}

task<> end(http_site&, tcp_stream& s, const http_seen&) { co_await s.close(); }

task<> half_then_end(http_site&, tcp_stream& s, const http_seen&) {
    co_await s.write_all("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    co_await s.close();
}

}  // namespace

GREEN_TEST("http: a connection is used again when the body was read", "[http]") {
    http_server server;
    server.give("/", "hello");
    server.say("/last", http_ok("bye", "Connection: close\r\n"));
    server.handle("/flood", &flood);
    for (int i = 0; i < 5; ++i) co_await outcome(server.url());
    REQUIRE(server.connections == 1);
    co_await outcome(server.url("/last"));
    co_await outcome(server.url());
    REQUIRE(server.connections == 2);
    { http::response unread = co_await http::get(server.url("/flood")); }
    co_await all_gone(server);
    co_await outcome(server.url());
    REQUIRE(server.connections == 3);
    REQUIRE(http::default_client().connections_made() == 3);
}

GREEN_TEST("http: a thousand requests at once through a limit", "[http]") {
    http_server server;
    http_server other;
    server.handle("/", &after_a_moment);
    other.handle("/", &after_a_moment);
    http::client_options o;
    o.max_connections = 16;
    o.max_connections_per_host = 8;
    http::client client(o);
    std::vector<join_handle<std::string>> all;
    for (int i = 0; i < 500; ++i) {
        all.push_back(spawn(page(client, server.url())));
        all.push_back(spawn(page(client, other.url())));
    }
    for (auto& one : all) {
        std::string const text = co_await one;
        if (text != "here") throw std::runtime_error(text);
    }
    REQUIRE(server.busiest <= 8);
    REQUIRE(other.busiest <= 8);
    REQUIRE(client.connections_made() <= 16);
    REQUIRE(client.in_flight() == 0);
}

GREEN_TEST("http: a full server keeps no one from another", "[http]") {
    http_server full;
    http_server free;
    full.handle("/", &silence);
    free.give("/", "free");
    http::client_options o;
    o.max_connections_per_host = 1;
    http::client client(o);
    auto const first = spawn(page(client, full.url()));
    auto const second = spawn(page(client, full.url()));
    co_await sleep_for(1ms);
    std::string const text = co_await page(client, free.url());
    REQUIRE(text == "free");
    REQUIRE(client.in_flight() == 1);
}

GREEN_TEST("http: names are looked up by green's resolver", "[http]") {
    testing::dns_server dns;
    dns.answer("www.example.test", {"127.0.0.1"});
    resolver_config config;
    config.servers = {dns.address()};
    set_default_resolver(resolver(config));
    http_server server;
    server.give("/", "by name");
    std::string const port = ":" + std::to_string(server.port()) + "/";
    std::string const text = co_await outcome("http://WWW.example.test" + port);
    REQUIRE(text == "by name");
    REQUIRE(contains(server.seen.at(0).head, "\r\nHost: WWW.example.test:"));
    auto const code = co_await failure("http://other.example.test" + port);
    REQUIRE(code == http::errc::no_address);
    std::string const local = co_await outcome("http://localhost" + port);
    REQUIRE(local == "by name");
}

// --- what goes wrong

GREEN_TEST("http: servers that break off", "[http]") {
    http_server server;
    server.handle("/reset", &reset);
    server.handle("/end", &end);
    server.handle("/reset-in-body", &reset_in_the_body);
    server.handle("/end-in-body", &half_then_end);
    for (const char* path : {"/reset", "/end", "/reset-in-body", "/end-in-body"}) {
        auto const code = co_await failure(server.url(path));
        INFO(path);
        REQUIRE(code == http::errc::connection_lost);
    }
    http::response r = co_await http::get(server.url("/reset-in-body"));
    std::string const begin = co_await r.read();
    REQUIRE(begin == "hello");
    std::string const rest = co_await body_of(r);
    REQUIRE(rest.starts_with("GET " + server.url("/reset-in-body") + ": "));
    std::string const same = co_await body_of(r);
    REQUIRE(same == rest);
}

GREEN_TEST("http: servers that do not speak HTTP", "[http]") {
    http_server server;
    server.say("/nonsense", "hello, who is there?\r\n\r\n");
    server.say("/field", "HTTP/1.1 200 OK\r\nbad name: x\r\nContent-Length: 0\r\n\r\n");
    std::string large = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 300; ++i) large += "X-Field: " + std::string(1000, 'x') + "\r\n";
    server.say("/large", large + "\r\n");
    server.say("/gzip", http_ok("no gzip", "Content-Encoding: gzip\r\n"));
    for (const char* path : {"/nonsense", "/field", "/large", "/gzip"}) {
        auto const code = co_await failure(server.url(path));
        INFO(path);
        REQUIRE(code == http::errc::bad_response);
    }
    bool refused = false;
    try {
        co_await http::request("G T", server.url());
    } catch (const std::invalid_argument&) {
        refused = true;
    }
    REQUIRE(refused);
}

GREEN_TEST("http: a limit of time counts from the start to the last byte", "[http]") {
    http_server server;
    server.handle("/silent", &silence);
    server.handle("/slow", &slowly);
    http::request_options o;
    o.timeout = 2500ms;
    std::string const text = co_await outcome(server.url("/silent"), o);
    REQUIRE(text == "GET " + server.url("/silent") + ": the limit of time ran out");
    REQUIRE(elapsed() == 2500ms);
    http::response r = co_await http::get(server.url("/slow"), o);
    std::string const one = co_await r.read();
    std::string const two = co_await r.read();
    REQUIRE(one + two == "onetwo");
    std::string const late = co_await body_of(r);
    REQUIRE(late == "GET " + server.url("/slow") + ": the limit of time ran out");
    REQUIRE(elapsed() == 5s);
    co_await all_gone(server);
    http::client_options narrow;
    narrow.max_connections = 1;
    http::client client(narrow);
    auto const first = spawn(page(client, server.url("/silent")));
    co_await sleep_for(1ms);
    std::optional<http::errc> code;
    try {
        co_await client.get(server.url("/silent"), o);
    } catch (const http::error& e) {
        code = e.code();
    }
    REQUIRE(code == http::errc::timeout);
    REQUIRE(client.in_flight() == 1);
}
