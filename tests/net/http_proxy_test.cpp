// The client through proxies: who is asked for what, who looks names up, and what a refusal is.

#include "net/http_talk.hpp"
#include "net/tls_fixture.hpp"
#include "support/text.hpp"

#include <green/dns/default_resolver.hpp>
#include <green/http/http.hpp>
#include <green/net/tls_stream.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/when_all.hpp>
#include <green/testing/dns_server.hpp>

#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

using namespace green;
using namespace green_test;
using namespace std::string_view_literals;

namespace {

http::client_options through(const std::string& proxy) {
    http::client_options o;
    o.proxy = proxy;
    return o;
}

std::string at(const tcp_listener& l) { return l.local_address().to_string(); }

/// `code: what()` of how it failed, or the page.
task<std::string> told(http::client_options o, std::string url) {
    http::client client(o);
    try {
        co_return co_await page(client, std::move(url));
    } catch (const http::error& e) {
        co_return std::string(to_string(e.code())) + ": " + e.what();
    }
}

// --- the way behind a proxy

task<> copy(tcp_stream& from, tcp_stream& to) {
    for (;;) {
        chunk const c = co_await from.read();
        if (c.empty()) break;
        co_await to.write_all(c);
    }
    co_await to.shutdown_write();
}

/// Whatever the name was, it is this machine.
task<> relay(tcp_stream& client, std::uint16_t port) {
    tcp_stream server = co_await tcp_stream::connect(address::parse("127.0.0.1", port));
    co_await when_all(copy(client, server), copy(server, client));
}

task<> tunnel(http_site&, tcp_stream& s, const http_seen& request) {
    std::string const text = request.path.substr(request.path.find(':') + 1);
    std::uint16_t port = 0;
    std::from_chars(text.data(), text.data() + text.size(), port);
    co_await s.write_all("HTTP/1.1 200 Connection established\r\n\r\n");
    co_await relay(s, port);
}

task<> break_off(http_site&, tcp_stream& s, const http_seen&) {
    co_await s.write_all("HTTP/1.1 200 Connec");
    co_await s.close();
}

/// A server of www.example.test with TLS, for one request.
struct secure_origin {
    static tls_context context() {
        auto const mine = test_authority().issue({"www.example.test"});
        return tls_context::server_pem(mine.chain, mine.key);
    }
    std::string place() const {
        return "www.example.test:" + std::to_string(listener.local_address().port());
    }

    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    std::string head;  // of the request
};

task<> answer_once(secure_origin& o) {
    tcp_stream below = co_await o.listener.accept();
    auto s = co_await tls_stream<tcp_stream>::accept(std::move(below), secure_origin::context());
    o.head = co_await s.read_until("\r\n\r\n", 10'000);
    std::string const response = http_ok("secure");
    co_await s.write_all(response);
    co_await s.close();
}

/// The authority of the tests as a file.
class ca_file {
public:
    ca_file() : fd_(::memfd_create("ca", MFD_CLOEXEC)) {
        std::string const pem = test_authority().pem();
        if (::write(fd_.get(), pem.data(), pem.size()) != static_cast<ssize_t>(pem.size()))
            throw std::runtime_error("no memfd");
    }
    std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

private:
    owned_fd fd_;
};

// --- SOCKS5 (RFC 1928, 1929)

struct socks_proxy {
    std::string url(const std::string& scheme, const std::string& user = {}) const {
        return scheme + "://" + user + at(listener);
    }

    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    std::string_view method = "\0"sv;  // that it wants: "\2" is a password
    std::string_view reply = "\0"sv;  // "\5": refused
    std::string target;  // what it was asked for, as it came
    std::string login;  // the same
};

task<std::string> take(tcp_stream& s, std::size_t size) {
    std::string text(size, '\0');
    co_await s.read_exactly(bytes(text));
    co_return text;
}

/// A text with its length before it.
task<std::string> take_counted(tcp_stream& s) {
    std::string const size = co_await take(s, 1);
    co_return co_await take(s, static_cast<unsigned char>(size[0]));
}

task<> take_login(socks_proxy& p, tcp_stream& s) {
    co_await take(s, 1);
    p.login = co_await take_counted(s);
    p.login += ' ' + co_await take_counted(s);
    co_await s.write_all("\1\0"sv);
}

task<> serve_once(socks_proxy& p) {
    tcp_stream s = co_await p.listener.accept();
    co_await take(s, 1);
    co_await take_counted(s);  // the methods of the client
    std::string const method = "\5" + std::string(p.method);
    co_await s.write_all(method);
    if (p.method == "\2") co_await take_login(p, s);
    std::string const request = co_await take(s, 4);
    if (request[3] == 3)
        p.target = co_await take_counted(s);
    else
        p.target = co_await take(s, 4);
    std::string const port = co_await take(s, 2);
    std::string const reply = "\5" + std::string(p.reply) + std::string("\0\1\0\0\0\0\0\0"sv);
    co_await s.write_all(reply);
    if (p.reply != "\0"sv) co_return;
    auto const high = static_cast<unsigned char>(port[0]);
    auto const low = static_cast<unsigned char>(port[1]);
    co_await relay(s, static_cast<std::uint16_t>(high * 256 + low));
}

/// A name server that only knows the proxy's name, and www.example.test.
struct known_names {
    known_names() {
        server.answer("proxy.test", {"127.0.0.1"});
        server.answer("www.example.test", {"127.0.0.1"});
        set_default_resolver(resolver(testing::only(server)));
    }
    std::size_t asked_for_origin() const { return server.queries("www.example.test"); }

    testing::dns_server server;
};

}  // namespace

// --- HTTP

GREEN_TEST("http proxy: it is asked for the whole URL, and looks the name up", "[http]") {
    known_names names;
    http_server proxy;
    proxy.say("http://www.example.test/hello?a=b", http_ok("by proxy"));
    std::string const port = ":" + std::to_string(proxy.port());
    std::string const url = "http://www.example.test/hello?a=b";
    std::string const text = co_await told(through("http://me:secret@proxy.test" + port), url);
    REQUIRE(text == "by proxy");
    const std::string& head = proxy.seen.at(0).head;
    REQUIRE(contains(head, "\r\nHost: www.example.test\r\n"));
    REQUIRE(contains(head, "\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n"));
    REQUIRE(names.asked_for_origin() == 0);
    std::string const nobody = co_await told(through("http://no.proxy.test" + port), url);
    REQUIRE(nobody.starts_with("no_address: GET " + url + ": "));
}

GREEN_TEST("http proxy: what it refuses is a response", "[http]") {
    http_server proxy;
    proxy.say("http://a.test/", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nno\n");
    proxy.say(
        "http://b.test/",
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
        "Content-Length: 0\r\n\r\n"
    );
    http::client client(through(proxy.url("")));
    http::response bad = co_await client.get("http://a.test/");
    REQUIRE(bad.status() == 502);
    std::string const body = co_await bad.text();
    REQUIRE(body == "no\n");
    http::response unknown = co_await client.get("http://b.test/");
    REQUIRE(unknown.status() == 407);
    std::string const gone = co_await told(through("http://127.0.0.1:1"), "http://a.test/");
    REQUIRE(gone == "connect_failed: GET http://a.test/: connect: Connection refused");
}

GREEN_TEST("http proxy: TLS goes through a tunnel, of which it sees the name only", "[http]") {
    known_names names;
    secure_origin origin;
    ca_file const authority;
    http_server proxy;
    proxy.handle(origin.place(), &tunnel);
    auto const serving = spawn(answer_once(origin));
    std::string const port = std::to_string(proxy.port());
    http::client_options o = through("http://me:secret@127.0.0.1:" + port);
    o.ca_file = authority.path();
    http::client client(o);
    http::request_options fields;
    fields.headers.add("X-Mine", "1");
    http::response r = co_await client.get("https://" + origin.place() + "/page", fields);
    REQUIRE(r.status() == 200);
    std::string const text = co_await r.text();
    REQUIRE(text == "secure");
    co_await serving;
    REQUIRE(proxy.seen.at(0).method == "CONNECT");
    REQUIRE(contains(proxy.seen.at(0).head, "Proxy-Authorization: Basic bWU6c2VjcmV0"));
    REQUIRE_FALSE(contains(proxy.seen.at(0).head, "X-Mine"));
    REQUIRE(origin.head.starts_with("GET /page HTTP/1.1\r\n"));
    REQUIRE(contains(origin.head, "X-Mine"));
    REQUIRE_FALSE(contains(origin.head, "Proxy-Authorization"));
    REQUIRE(names.asked_for_origin() == 0);
}

GREEN_TEST("http proxy: a tunnel that is refused", "[http]") {
    http_server proxy;
    proxy.say("a.test:443", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nno\n");
    proxy.say(
        "b.test:443",
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
        "Content-Length: 0\r\n\r\n"
    );
    proxy.handle("c.test:443", &break_off);
    std::string const place = "127.0.0.1:" + std::to_string(proxy.port());
    std::string const bad = co_await told(through("http://" + place), "https://a.test/");
    REQUIRE(bad.starts_with("proxy_failed: GET https://a.test/: "));
    REQUIRE(contains(bad, "502"));
    auto const known = through("http://me:secret@" + place);
    std::string const unknown = co_await told(known, "https://b.test/");
    REQUIRE(unknown.starts_with("proxy_failed: GET https://b.test/: "));
    REQUIRE(contains(unknown, "407"));
    REQUIRE_FALSE(contains(unknown, "secret"));
    std::string const cut = co_await told(through("http://" + place), "https://c.test/");
    REQUIRE(cut.starts_with("connection_lost: GET https://c.test/: "));
}

// --- SOCKS5

GREEN_TEST(
    "http proxy: with socks5h the proxy looks the name up, with socks5 green does", "[http]"
) {
    known_names names;
    http_server origin;
    origin.give("/", "by socks");
    std::string const url = "http://www.example.test:" + std::to_string(origin.port()) + "/";
    socks_proxy far;
    auto const looking_up = spawn(serve_once(far));
    std::string text = co_await told(through(far.url("socks5h")), url);
    REQUIRE(text == "by socks");
    co_await looking_up;
    REQUIRE(far.target == "www.example.test");
    REQUIRE(names.asked_for_origin() == 0);
    socks_proxy near;
    auto const looked_up = spawn(serve_once(near));
    text = co_await told(through(near.url("socks5")), url);
    REQUIRE(text == "by socks");
    co_await looked_up;
    REQUIRE(near.target == "\x7f\0\0\1"sv);
    REQUIRE(names.asked_for_origin() > 0);
}

GREEN_TEST("http proxy: SOCKS5 with a password, and refused", "[http]") {
    http_server origin;
    origin.give("/", "by socks");
    socks_proxy careful;
    careful.method = "\2";
    auto const serving = spawn(serve_once(careful));
    std::string const text =
        co_await told(through(careful.url("socks5h", "me:secret@")), origin.url());
    REQUIRE(text == "by socks");
    co_await serving;
    REQUIRE(careful.login == "me secret");
    socks_proxy closed;
    closed.reply = "\5";
    auto const refusing = spawn(serve_once(closed));
    std::string const refused = co_await told(through(closed.url("socks5h")), "http://a.test/");
    REQUIRE(refused.starts_with("proxy_failed: GET http://a.test/: "));
    co_await refusing;
}
