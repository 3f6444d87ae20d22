#pragma once

// An HTTP server that does as it is told, right or wrong.

#include <green/net/tcp_listener.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace green_test {

/// A request as it came.
struct http_seen {
    std::string method;
    std::string path;
    std::string head;  // all of it, as sent
    std::string body;  // chunks put together
};

/// Answers on a free port of 127.0.0.1 until the run ends.
class http_server {
public:
    /// Writes a response; with what it throws its connection ends.
    using handler = green::task<> (*)(http_server&, green::tcp_stream&, const http_seen&);

    http_server();

    /// `http://127.0.0.1:port` and the path.
    std::string url(const std::string& path = "/") const;
    std::uint16_t port() const { return listener_.local_address().port(); }

    /// For this path these bytes.
    void say(const std::string& path, std::string response) { said_[path] = std::move(response); }
    /// For this path a response with this body.
    void give(const std::string& path, const std::string& body);
    void handle(const std::string& path, handler h) { handlers_[path] = h; }

    std::vector<http_seen> seen;
    int connections = 0;  // taken
    int busiest = 0;  // so many requests at once
    std::size_t sent = 0;  // for handlers

    int open() const { return counts_->open; }
    /// Requests that are being answered.
    int busy() const { return counts_->busy; }

private:
    struct counts {
        int open = 0;
        int busy = 0;
    };

    green::task<> serve();
    green::task<> talk(green::tcp_stream stream);
    green::task<> requests(green::tcp_stream& stream);
    green::task<> answer(green::tcp_stream& stream, const http_seen& request);

    green::tcp_listener listener_;
    std::shared_ptr<counts> counts_ = std::make_shared<counts>();  // tasks are unwound later
    std::map<std::string, std::string> said_;
    std::map<std::string, handler> handlers_;
};

/// `HTTP/1.1 200 OK` with this body, and more fields if they are given, each with its end of line.
std::string http_ok(const std::string& body, const std::string& fields = {});

}  // namespace green_test
