#include "net/http_server.hpp"

#include "net/streams.hpp"

#include <green/core/errors.hpp>
#include <green/http/detail/http_text.hpp>
#include <green/tasks/spawn.hpp>

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>

using namespace green;

namespace green_test {
namespace {

constexpr std::size_t most = 1 << 20;

/// Counts up, and down at its end.
class counted {
public:
    explicit counted(int& n) : n_(n) { ++n_; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --n_; }

private:
    int& n_;
};

std::size_t number(std::string_view text, int base) {
    std::size_t n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n, base);
    return n;
}

/// The value of a field, "" if there is none.
std::string field(const std::string& head, std::string_view name) {
    std::size_t at = 0;
    while ((at = head.find("\r\n", at)) != std::string::npos) {
        at += 2;
        auto const colon = head.find(':', at);
        auto const end = head.find("\r\n", at);
        if (colon == std::string::npos || end == std::string::npos || colon > end) continue;
        auto const line = std::string_view(head).substr(at, end - at);
        if (detail::same_field_name(line.substr(0, colon - at), name))
            return std::string(detail::trimmed(line.substr(colon - at + 1)));
    }
    return {};
}

task<std::string> exactly(tcp_stream& s, std::size_t size) {
    std::string text(size, '\0');
    co_await s.read_exactly(bytes(text));
    co_return text;
}

task<std::string> body_of(tcp_stream& s, const std::string& head) {
    std::string body;
    if (field(head, "Transfer-Encoding") != "chunked")
        co_return co_await exactly(s, number(field(head, "Content-Length"), 10));
    for (;;) {
        std::string const line = co_await s.read_until("\r\n", 100);
        std::size_t const size = number(line, 16);
        body += co_await exactly(s, size);
        co_await s.read_until("\r\n", 2);
        if (size == 0) co_return body;
    }
}

task<> answer(http_site& site, tcp_stream& stream, const http_seen& request) {
    auto const handler = site.handlers.find(request.path);
    if (handler != site.handlers.end()) {
        co_await handler->second(site, stream, request);
        co_return;
    }
    auto const said = site.said.find(request.path);
    std::string const response = said != site.said.end()
        ? said->second
        : std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nno\r\n");
    co_await stream.write_all(response);
}

task<> answer_all(http_site& site, tcp_stream& stream) {
    for (;;) {
        http_seen request;
        request.head = co_await stream.read_until("\r\n\r\n", most);
        auto const method = request.head.find(' ');
        auto const path = request.head.find(' ', method + 1);
        request.method = request.head.substr(0, method);
        request.path = request.head.substr(method + 1, path - method - 1);
        counted const one(site.busy);
        site.busiest = std::max(site.busiest, site.busy);
        request.body = co_await body_of(stream, request.head);
        site.seen.push_back(request);
        co_await answer(site, stream, request);
    }
}

task<> talk(std::shared_ptr<http_site> site, tcp_stream stream) {
    counted const one(site->open);
    try {
        co_await answer_all(*site, stream);
    } catch (const std::exception&) {  // the client has gone, or the handler wants it to
    }
}

task<> serve_site(std::shared_ptr<http_site> site) {
    try {
        for (;;) {
            tcp_stream stream = co_await site->listener.accept();
            ++site->connections;
            spawn(talk, site, std::move(stream));
        }
    } catch (const closed_error&) {  // the server is gone
    }
}

}  // namespace

std::string http_ok(const std::string& body, const std::string& fields) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields +
        "\r\n" + body;
}

http_server::http_server() { spawn(serve_site, site_); }

std::string http_server::url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port()) + path;
}

void http_server::give(const std::string& path, const std::string& body) {
    say(path, http_ok(body));
}

}  // namespace green_test
