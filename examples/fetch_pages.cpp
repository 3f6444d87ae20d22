// Five pages at once, printed as they come, with what went wrong: the example of Python's concurrent.futures, in both of its
// formats.
//
// The pages come from a server in this program, with the sizes that they had, so that it works offline and prints the same
// every time. It is the client's proxy: so the addresses can stand as they are, and no name is looked up.

#include <green/green.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using green::task;
namespace http = green::http;

// --- the server

struct site {
    std::string_view url;
    std::size_t bytes;  // 0: forbidden
    std::chrono::milliseconds delay;
};

constexpr site sites[] = {
    {"http://www.foxnews.com/", 282'676, 400ms},
    {"http://www.cnn.com/", 1'145'397, 300ms},
    {"http://europe.wsj.com/", 0, 200ms},
    {"http://www.bbc.co.uk/", 532'387, 100ms},
    {"http://some-made-up-domain.com/", 484, 500ms},
};

std::string response_of(const site& s) {
    if (s.bytes == 0) return "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(s.bytes) + "\r\n\r\n" +
        std::string(s.bytes, '.');
}

/// Answers `GET http://www.bbc.co.uk/ HTTP/1.1`, as a proxy is asked.
task<> answer(green::tcp_stream& peer, std::string_view request) {
    for (const site& s : sites) {
        if (request.find(s.url) == std::string_view::npos) continue;
        co_await green::sleep_for(s.delay);
        std::string const response = response_of(s);
        co_await peer.write_all(response);
        co_return;
    }
    co_await peer.write_all("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

task<> talk(green::tcp_stream peer) {
    for (;;) {
        std::string const request = co_await peer.read_until("\r\n\r\n", 8192);
        co_await answer(peer, request);
    }
}

// --- the client

/// How Python prints it: `%r` puts quotes around a string.
enum class quotes { everywhere, in_errors };

task<std::size_t> load(http::client& client, std::string url) {
    http::request_options o;
    o.timeout = 60s;
    o.raise_for_status = true;
    http::response page = co_await client.get(url, o);
    std::string const data = co_await page.text();
    co_return data.size();
}

task<> report(http::client& client, std::string url, quotes q) {
    const char* const quote = q == quotes::everywhere ? "'" : "";
    try {
        std::size_t const bytes = co_await load(client, url);
        std::printf("%s%s%s page is %zu bytes\n", quote, url.c_str(), quote, bytes);
    } catch (const http::error& e) {
        std::printf("'%s' generated an exception: %s\n", url.c_str(), e.what());
    }
}

task<> fetch_all(http::client& client, quotes q) {
    green::task_pool pool(5);
    for (const site& s : sites) {
        co_await pool.spawn(&report, std::ref(client), std::string(s.url), q);
    }
    co_await pool.join();
}

task<> amain() {
    auto listener = green::tcp_listener::bind("127.0.0.1", 0);
    auto const server = green::spawn(green::serve(listener, &talk));
    http::client_options o;
    o.proxy = "http://" + listener.local_address().to_string();
    http::client client(o);
    co_await fetch_all(client, quotes::in_errors);
    std::printf("\n");
    co_await fetch_all(client, quotes::everywhere);
}

}  // namespace

int main() {
    green::run_options options;
    options.virtual_time = true;
    green::run(options, &amain);
}
