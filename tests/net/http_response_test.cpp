#include "net/http_talk.hpp"
#include "support/green_test.hpp"

#include <green/http/http.hpp>
#include <green/loop/sleep.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace green;
using namespace green_test;
using namespace std::chrono_literals;

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
    memory m;
    std::size_t const two = co_await r.read_some(std::span(m).first(2));
    std::size_t const rest = co_await r.read_some(m);
    REQUIRE(two == 2);
    REQUIRE(text(std::span(m).first(rest)) == "o");
    REQUIRE(elapsed() == 2s);
    std::string const six = co_await r.text();
    REQUIRE(six == "six");
    std::size_t const none = co_await r.read_some(m);
    REQUIRE(none == 0);
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
