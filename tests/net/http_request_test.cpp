#include "net/http_talk.hpp"
#include "support/green_test.hpp"

#include <green/http/http.hpp>
#include <green/loop/sleep.hpp>
#include <green/sync/event.hpp>
#include <green/tasks/spawn.hpp>

#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>

using namespace green;
using namespace green_test;
using namespace std::chrono_literals;

namespace {

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

}  // namespace

GREEN_TEST("http: a body is sent as it is, with the fields that are given", "[http]") {
    http_server server;
    server.handle("/", &echo_request);
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
    server.handle("/", &echo_request);
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
    server.handle("/", &echo_request);
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

GREEN_TEST("http: a line break gets into no request", "[http]") {
    http::client_options o;
    o.user_agent = "a browser\r\nX-Injected: yes";
    REQUIRE_THROWS_AS(http::client(o), std::invalid_argument);
    std::string const method = co_await error_of_wait<std::invalid_argument>(
        http::request("GET / HTTP/1.1\r\nX: y\r\n\r\nPUT", "http://127.0.0.1:1/")
    );
    REQUIRE(method.starts_with("green: not a method of HTTP"));
    for (const char* url :
         {"http://127.0.0.1:1/a\r\nX: y", "http://127.0.0.1:1\r\n/", "http://a\nb/"}) {
        auto const code = co_await failure(url);
        REQUIRE(code == http::errc::bad_url);
    }
}

GREEN_TEST("http: a stream that is not as long as was said", "[http]") {
    http_server server;
    server.handle("/", &echo_request);
    http::request_options o;
    o.body_size = 12;
    std::string const longer = co_await error_of_wait<std::invalid_argument>(
        http::request("PUT", server.url(), three_pieces(), o)
    );
    REQUIRE(longer == "green: http: a body of 12 bytes was promised, the stream has given 13");
    o.body_size = 14;
    std::string const shorter = co_await error_of_wait<std::invalid_argument>(
        http::request("PUT", server.url(), three_pieces(), o)
    );
    REQUIRE(
        shorter == "green: http: a body of 14 bytes was promised, the stream has ended after 13"
    );
    REQUIRE(server.seen.empty());
}

GREEN_TEST("http: a HEAD has no body", "[http]") {
    http::request_options o;
    o.body = "which nobody could answer";
    std::string const error = co_await error_of_wait<std::invalid_argument>(
        http::request("HEAD", "http://127.0.0.1:1/", o)
    );
    REQUIRE(error == "green: http: a HEAD request has no body");
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
    server.handle("/echo", &echo_request);
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
