#include <green/http/http.hpp>

#include "net/http_server.hpp"
#include "net/streams.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/dns/default_resolver.hpp>
#include <green/loop/sleep.hpp>
#include <green/sync/event.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>
#include <green/testing/dns_server.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace green;
using namespace std::chrono_literals;
using green_test::elapsed;
using green_test::http_ok;
using green_test::http_seen;
using green_test::http_server;

namespace {

/// How a request, and reading all of it, went: the page, or the text of the error.
task<std::string> outcome(std::string url, http::request_options o = {}) {
    try {
        http::response r = co_await http::get(std::move(url), std::move(o));
        co_return co_await r.text();
    } catch (const std::exception& e) {
        co_return e.what();
    }
}

/// How it failed; none if it did not.
task<std::optional<http::errc>> failure(std::string url, http::request_options o = {}) {
    try {
        http::response r = co_await http::get(std::move(url), std::move(o));
        co_await r.text();
    } catch (const http::error& e) {
        co_return e.code();
    }
    co_return std::nullopt;
}

task<std::string> page(http::client& client, std::string url) {
    http::response r = co_await client.get(std::move(url));
    co_return co_await r.text();
}

task<std::string> body_of(http::response& r) {
    try {
        co_return co_await r.text();
    } catch (const std::exception& e) {
        co_return e.what();
    }
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// Never says anything.
task<> silence(http_server&, tcp_stream& s, const http_seen&) {
    co_await green_test::read_all(s);
    throw std::runtime_error("the client has gone");
}

/// What it was sent, and how.
task<> echo(http_server&, tcp_stream& s, const http_seen& request) {
    std::string const response = http_ok(request.method + ' ' + request.body);
    co_await s.write_all(response);
}

/// A body that does not come to its end.
task<> half(http_server& server, tcp_stream& s, const http_seen& request) {
    co_await s.write_all("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    co_await silence(server, s, request);
}

/// A body without an end; counts what goes.
task<> flood(http_server& server, tcp_stream& s, const http_seen&) {
    co_await s.write_all("HTTP/1.1 200 OK\r\n\r\n");
    std::string const piece(100'000, 'x');
    for (;;) {
        co_await s.write_all(piece);
        server.sent += piece.size();
    }
}

/// A body in three parts with pauses.
task<> slowly(http_server&, tcp_stream& s, const http_seen&) {
    co_await s.write_all("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    for (const char* part : {"one", "two", "six"}) {
        co_await sleep_for(1s);
        co_await s.write_all(std::string_view(part));
    }
}

/// Some virtual time in which others may come.
task<> after_a_moment(http_server&, tcp_stream& s, const http_seen&) {
    co_await sleep_for(1ms);
    std::string const response = http_ok("here");
    co_await s.write_all(response);
}

task<> reset(http_server&, tcp_stream& s, const http_seen&) {
    s.reset();
    co_return;
}

task<> reset_in_the_body(http_server&, tcp_stream& s, const http_seen&) {
    co_await s.write_all("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    co_await sleep_for(1s);
    s.reset();
}

task<> end(http_server&, tcp_stream& s, const http_seen&) { co_await s.close(); }

task<> half_then_end(http_server&, tcp_stream& s, const http_seen&) {
    co_await s.write_all("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    co_await s.close();
}

stream<std::string> three_pieces() {
    co_yield "one ";
    co_yield "";
    co_await sleep_for(1s);
    co_yield "two ";
    co_yield "three";
}

stream<std::string> breaks_off() {
    co_yield "one ";
    throw std::runtime_error("no more");
}

stream<std::string> never_goes_on(event& forever) {
    co_yield "one ";
    co_await forever.wait();
}

std::string redirect_to(const std::string& where, int status = 302) {
    return "HTTP/1.1 " + std::to_string(status) + " Go\r\nLocation: " + where +
        "\r\nContent-Length: 0\r\n\r\n";
}

/// Until nobody is connected: the other side learns of an end only from the network.
task<> all_gone(http_server& server) {
    while (server.open() > 0) co_await sleep_for(100ms);
}

}  // namespace

// --- responses

GREEN_TEST("http: a response has a status, fields and a body", "[http]") {
    http_server server;
    server.say("/", http_ok("hello", "Set-Cookie: a=1\r\nX-Empty:\r\nset-cookie: b=2\r\n"));
    http::response r = co_await http::get(server.url());
    REQUIRE(r.status() == 200);
    REQUIRE(r.ok());
    REQUIRE(r.reason() == "OK");
    REQUIRE(r.version() == "HTTP/1.1");
    REQUIRE(r.url() == server.url());
    REQUIRE(r.headers().get("content-LENGTH") == "5");
    REQUIRE(r.headers().all("Set-Cookie") == std::vector<std::string_view>{"a=1", "b=2"});
    REQUIRE(r.headers().contains("X-Empty"));
    std::string const body = co_await r.text();
    REQUIRE(body == "hello");
    std::string const more = co_await r.read();
    REQUIRE(more.empty());
    REQUIRE(server.seen.at(0).method == "GET");
    REQUIRE(contains(server.seen.at(0).head, "\r\nUser-Agent: green\r\n"));
}

GREEN_TEST("http: a status of 400 or more is an error only for who asks", "[http]") {
    http_server server;
    server.say("/", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    http::response r = co_await http::get(server.url());
    REQUIRE(r.status() == 403);
    REQUIRE_FALSE(r.ok());
    REQUIRE_THROWS_WITH(r.raise_for_status(), "HTTP Error 403: Forbidden");
    std::string const body = co_await r.text();
    REQUIRE(body == "no");
    http::request_options o;
    o.raise_for_status = true;
    std::string const text = co_await outcome(server.url(), o);
    REQUIRE(text == "HTTP Error 403: Forbidden");
    auto const code = co_await failure(server.url(), o);
    REQUIRE(code == http::errc::bad_status);
}

GREEN_TEST("http: chunks, 1xx, trailers, HEAD, no content", "[http]") {
    http_server server;
    server.say(
        "/chunked",
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Trailer: 1\r\n\r\n"
    );
    server.say("/none", "HTTP/1.1 204 No Content\r\n\r\n");
    server.say("/head", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
    http::response chunked = co_await http::get(server.url("/chunked"));
    std::string const body = co_await chunked.text();
    REQUIRE(body == "abcdefg");
    REQUIRE_FALSE(chunked.headers().contains("Link"));
    REQUIRE_FALSE(chunked.headers().contains("X-Trailer"));
    std::string const none = co_await outcome(server.url("/none"));
    REQUIRE(none.empty());
    http::response head = co_await http::request("HEAD", server.url("/head"));
    REQUIRE(head.headers().get("Content-Length") == "99");
    std::string const nothing = co_await head.text();
    REQUIRE(nothing.empty());
    REQUIRE(server.connections == 1);
}

GREEN_TEST("http: a compressed body arrives as it was", "[http]") {
    constexpr unsigned char packed[] = {
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc4, 0x31, 0x0d,
        0x00, 0x00, 0x08, 0x03, 0x30, 0x2b, 0x98, 0x23, 0xe1, 0x58, 0x82, 0xff, 0x0f, 0x11,
        0xbc, 0xed, 0xd1, 0xe9, 0x64, 0x6b, 0x6c, 0xdb, 0xb6, 0x6d, 0xdb, 0xb6, 0x6d, 0xdb,
        0xf6, 0xe3, 0x03, 0xc1, 0x37, 0x0c, 0x40, 0x70, 0x17, 0x00, 0x00,
    };
    std::string const bytes(reinterpret_cast<const char*>(packed), sizeof packed);
    http_server server;
    server.say("/", http_ok(bytes, "Content-Encoding: gzip\r\n"));
    std::string const text = co_await outcome(server.url());
    REQUIRE(text.size() == 6000);
    REQUIRE(text.starts_with("hello hello"));
    REQUIRE(contains(server.seen.at(0).head, "gzip"));
    http::request_options o;
    o.max_body = 5999;  // of what it is, not of what is sent
    auto const code = co_await failure(server.url(), o);
    REQUIRE(code == http::errc::too_large);
    http::request_options raw;
    raw.decompress = false;
    std::string const same = co_await outcome(server.url(), raw);
    REQUIRE(same == bytes);
    REQUIRE_FALSE(contains(server.seen.at(2).head, "gzip"));
}

GREEN_TEST("http: a body is read as it comes", "[http]") {
    http_server server;
    server.handle("/", &slowly);
    http::response r = co_await http::get(server.url());
    REQUIRE(elapsed() == 0s);
    std::string const one = co_await r.read();
    REQUIRE(one == "one");
    REQUIRE(elapsed() == 1s);
    green_test::memory m;
    std::size_t const two = co_await r.read_some(std::span(m).first(2));
    std::size_t const rest = co_await r.read_some(m);
    REQUIRE(two == 2);
    REQUIRE(green_test::text(std::span(m).first(rest)) == "o");
    REQUIRE(elapsed() == 2s);
    std::string const six = co_await r.text();
    REQUIRE(six == "six");
    std::size_t const none = co_await r.read_some(m);
    REQUIRE(none == 0);
}

// --- requests

GREEN_TEST("http: a body is sent as it is, with the fields that are given", "[http]") {
    http_server server;
    server.handle("/", &echo);
    http::request_options o;
    o.headers.add("Content-Type", "text/plain");
    o.headers.add("X-Empty", "");
    http::response posted = co_await http::post(server.url(), "hello", o);
    std::string const answer = co_await posted.text();
    REQUIRE(answer == "POST hello");
    const std::string& head = server.seen.at(0).head;
    REQUIRE(contains(head, "\r\nContent-Type: text/plain\r\n"));
    REQUIRE(contains(head, "\r\nX-Empty:\r\n"));
    http::response empty = co_await http::post(server.url(), "");
    std::string const nothing = co_await empty.text();
    REQUIRE(nothing == "POST ");
    REQUIRE_FALSE(contains(server.seen.at(1).head, "Content-Type"));
    o.body = std::string(3'000'000, 'x');
    http::response put = co_await http::request("PUT", server.url(), o);
    std::string const much = co_await put.text();
    REQUIRE(much.size() == 3'000'004);
    REQUIRE_FALSE(contains(server.seen.at(2).head, "Expect"));
    http::response deleted = co_await http::request("DELETE", server.url());
    std::string const gone = co_await deleted.text();
    REQUIRE(gone == "DELETE ");
}

GREEN_TEST("http: a body can come from a stream", "[http]") {
    http_server server;
    server.handle("/", &echo);
    http::response r = co_await http::request("PUT", server.url(), three_pieces());
    std::string const answer = co_await r.text();
    REQUIRE(answer == "PUT one two three");
    REQUIRE(elapsed() == 1s);
    REQUIRE(contains(server.seen.at(0).head, "chunked"));
    http::request_options o;
    o.body_size = 13;
    http::response sized = co_await http::request("POST", server.url(), three_pieces(), o);
    std::string const same = co_await sized.text();
    REQUIRE(same == "POST one two three");
    REQUIRE(contains(server.seen.at(1).head, "\r\nContent-Length: 13\r\n"));
}

GREEN_TEST("http: a stream that fails ends its request", "[http]") {
    http_server server;
    server.handle("/", &echo);
    std::string what;
    try {
        co_await http::request("PUT", server.url(), breaks_off());
    } catch (const std::runtime_error& e) {
        what = e.what();
    }
    REQUIRE(what == "no more");
    co_await all_gone(server);
    REQUIRE(server.seen.empty());
}

namespace {
task<> refuse(tcp_listener& l) {
    tcp_stream s = co_await l.accept();
    co_await s.read_until("one ", 1000);
    co_await s.write_all(
        "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    s.reset();
}
}  // namespace

GREEN_TEST("http: an answer does not wait for a stream that does not go on", "[http]") {
    tcp_listener l = tcp_listener::bind("127.0.0.1", 0);
    auto const server = spawn(refuse(l));
    event forever;
    http::response r = co_await http::request(
        "PUT", "http://" + l.local_address().to_string() + "/", never_goes_on(forever)
    );
    REQUIRE(r.status() == 413);
    co_await server;
}

TEST_CASE("http: what cannot stand in a header field", "[http]") {
    http::header_list h;
    REQUIRE_THROWS_AS(h.add("A", "b\r\nC: d"), std::invalid_argument);
    REQUIRE_THROWS_AS(h.add("A:", "b"), std::invalid_argument);
    REQUIRE_THROWS_AS(h.add("", "b"), std::invalid_argument);
    h.add("A", "1");
    h.add("a", "2");
    h.set("A", "3");
    REQUIRE(h.size() == 1);
    REQUIRE_THROWS_AS(h.set("A", "\n"), std::invalid_argument);
    REQUIRE(h.get("a") == "3");
    REQUIRE(h.erase("a") == 1);
    REQUIRE(h.get("a", "none") == "none");
}

GREEN_TEST("http: user and password of a URL are sent, and not shown", "[http]") {
    http_server server;
    server.say("/", http_ok("in"));
    std::string const port = std::to_string(server.port());
    http::response r = co_await http::get("http://me:s%20ecret@127.0.0.1:" + port + "/#part");
    REQUIRE(r.url() == server.url());
    REQUIRE(contains(server.seen.at(0).head, "Authorization: Basic bWU6cyBlY3JldA=="));
    std::string const text = co_await outcome("http://me:secret@127.0.0.1:1/");
    REQUIRE(text == "GET http://127.0.0.1:1/: connect: Connection refused");
    std::string const bad = co_await outcome("ftp://me:secret@host/");
    REQUIRE(bad == "GET ftp://host/: neither http nor https");
}

// --- redirects

GREEN_TEST("http: redirects are followed, so many", "[http]") {
    http_server server;
    server.say("/a", redirect_to("b"));
    server.say("/b", redirect_to(server.url("/c d"), 301));
    server.say("/c%20d", http_ok("there"));
    server.say("/round", redirect_to("/round"));
    http::response r = co_await http::get(server.url("/a"));
    REQUIRE(r.url() == server.url("/c%20d"));
    std::string const text = co_await r.text();
    REQUIRE(text == "there");
    REQUIRE(server.connections == 1);
    http::request_options o;
    o.max_redirects = 0;
    http::response first = co_await http::get(server.url("/a"), o);
    REQUIRE(first.status() == 302);
    server.seen.clear();
    o.max_redirects = 3;
    auto const code = co_await failure(server.url("/round"), o);
    REQUIRE(code == http::errc::too_many_redirects);
    REQUIRE(server.seen.size() == 4);
    server.say("/away", redirect_to("file:///etc/passwd"));
    auto const away = co_await failure(server.url("/away"));
    REQUIRE(away == http::errc::bad_url);
}

GREEN_TEST("http: what becomes of method and body", "[http]") {
    http_server server;
    server.handle("/echo", &echo);
    struct redirected {
        int status;
        const char* method;
        const char* seen;
    };
    for (redirected const c : std::initializer_list<redirected>{
             {301, "POST", "GET "},
             {302, "POST", "GET "},
             {303, "POST", "GET "},
             {303, "PUT", "GET "},
             {302, "PUT", "PUT body"},
             {307, "POST", "POST body"},
             {308, "POST", "POST body"},
         }) {
        server.say("/", redirect_to("/echo", c.status));
        http::request_options o;
        o.body = "body";
        http::response r = co_await http::request(c.method, server.url(), o);
        std::string const answer = co_await r.text();
        INFO(c.status << ' ' << c.method);
        REQUIRE(answer == c.seen);
    }
    std::optional<http::errc> code;
    try {
        co_await http::request("PUT", server.url(), three_pieces());
    } catch (const http::error& e) {
        code = e.code();
    }
    REQUIRE(code == http::errc::cannot_resend);
}

GREEN_TEST("http: credentials do not go to another server", "[http]") {
    http_server here;
    http_server there;
    here.say("/", redirect_to("/same"));
    here.say("/same", redirect_to(there.url("/other")));
    there.give("/other", "there");
    http::request_options o;
    o.headers.add("Authorization", "Bearer secret");
    o.headers.add("Cookie", "secret");
    o.headers.add("X-Mine", "1");
    std::string const text = co_await outcome(here.url(), o);
    REQUIRE(text == "there");
    REQUIRE(contains(here.seen.at(1).head, "Bearer secret"));
    REQUIRE(contains(there.seen.at(0).head, "X-Mine"));
    REQUIRE_FALSE(contains(there.seen.at(0).head, "secret"));
    there.seen.clear();
    std::string const port = std::to_string(here.port());
    std::string const again = co_await outcome("http://me:pw@127.0.0.1:" + port + "/same");
    REQUIRE(again == "there");
    REQUIRE(contains(here.seen.back().head, "Authorization"));
    REQUIRE_FALSE(contains(there.seen.at(0).head, "Authorization"));
}

// --- connections

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

// --- back-pressure

GREEN_TEST("http: what is not read is not taken", "[http]") {
    http_server server;
    server.handle("/", &flood);
    http::response r = co_await http::get(server.url());
    co_await sleep_for(1s);
    std::size_t const waiting = server.sent;
    co_await sleep_for(1s);
    REQUIRE(server.sent == waiting);
    // What the kernel holds of a connection on loopback, and a little of ours.
    REQUIRE(waiting < 16'000'000);
    std::size_t read = 0;
    while (read < 50'000'000) {
        std::string const piece = co_await r.read();
        read += piece.size();
        if (piece.size() > 200'000) throw std::runtime_error("a piece that is too large");
    }
    REQUIRE(server.sent > waiting);
}

GREEN_TEST("http: limits of size", "[http]") {
    http_server server;
    server.handle("/", &flood);
    http::request_options o;
    o.max_body = 1'000'000;
    http::response r = co_await http::get(server.url(), o);
    std::size_t read = 0;
    std::optional<http::errc> code;
    try {
        for (;;) {
            std::string const piece = co_await r.read();
            read += piece.size();
        }
    } catch (const http::error& e) {
        code = e.code();
    }
    REQUIRE(code == http::errc::too_large);
    REQUIRE(read <= 1'000'000);
    http::response again = co_await http::get(server.url());
    code.reset();
    try {
        co_await again.text(500'000);
    } catch (const http::error& e) {
        code = e.code();
    }
    REQUIRE(code == http::errc::too_large);
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

// --- the five tests, and more ends

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
