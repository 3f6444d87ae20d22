// HTTP requests to servers of other people.

#include "net_peers/peer.hpp"

#include <green/http/http.hpp>
#include <green/loop/run.hpp>
#include <green/tasks/task_pool.hpp>

#include <cstdlib>
#include <string>

using namespace green;

namespace green_peer {
namespace {

std::size_t number(const options& o, const std::string& name, const char* otherwise) {
    return std::strtoul(o.get(name, otherwise).c_str(), nullptr, 10);
}

http::client_options client_options_of(const options& o) {
    http::client_options c;
    c.ca_file = o.get("trust");
    c.proxy = o.get("proxy");
    c.certificate_file = o.get("certificate");
    c.key_file = o.get("key");
    if (o.get("version") == "1") c.version = http::http_version::http1;
    if (o.get("version") == "2") c.version = http::http_version::http2;
    c.max_connections_per_host = number(o, "limit", "100");
    return c;
}

stream<std::string> pieces(std::size_t count) {
    std::string const piece(1000, 'x');
    for (std::size_t i = 0; i < count; ++i) co_yield piece;
}

task<http::response> ask(http::client& client, const options& o) {
    std::string const method = o.get("method", "GET");
    if (o.has("pieces")) return client.request(method, o["url"], pieces(number(o, "pieces", "0")));
    http::request_options r;
    r.body = o.get("body");
    return client.request(method, o["url"], r);
}

/// `HTTP/2 200 OK, 12 bytes: hello`
task<> tell(http::client& client, const options& o) {
    try {
        http::response r = co_await ask(client, o);
        std::string const body = co_await r.text();
        say(r.version() + ' ' + std::to_string(r.status()) + ' ' + r.reason() + ", " +
            std::to_string(body.size()) + " bytes: " + body.substr(0, 60));
    } catch (const http::error& e) {
        say(std::string(to_string(e.code())) + ": " + e.what());
    }
}

task<> get_all(const options& o) {
    http::client client(client_options_of(o));
    co_await tell(client, o);
    task_pool pool(number(o, "at_once", "1"));
    for (std::size_t i = 1; i < number(o, "times", "1"); ++i)
        co_await pool.spawn(&tell, std::ref(client), std::cref(o));
    co_await pool.join();
    say("connections: " + std::to_string(client.connections_made()));
}

command const http_get("http", [](const options& o) { run(get_all(o)); });

}  // namespace
}  // namespace green_peer
