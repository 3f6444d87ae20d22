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

/// What a server has been told and has seen: its tasks share it, for they may end after the test.
struct http_site {
    /// Writes a response; with what it throws its connection ends.
    using handler = green::task<> (*)(http_site&, green::tcp_stream&, const http_seen&);

    std::vector<http_seen> seen;
    int connections = 0;  // taken
    int open = 0;
    int busy = 0;  // requests that are being answered
    int busiest = 0;  // so many requests at once
    std::size_t sent = 0;  // for handlers

    green::tcp_listener listener = green::tcp_listener::bind("127.0.0.1", 0);
    std::map<std::string, std::string> said;
    std::map<std::string, handler> handlers;
};

/// Answers on a free port of 127.0.0.1 as long as it lives, a connection also longer.
class http_server {
    std::shared_ptr<http_site> site_ = std::make_shared<http_site>();

public:
    http_server();
    ~http_server() { site_->listener.close(); }
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;

    /// `http://127.0.0.1:port` and the path.
    std::string url(const std::string& path = "/") const;
    std::uint16_t port() const { return site_->listener.local_address().port(); }

    /// For this path these bytes.
    void say(const std::string& path, std::string response) {
        site_->said[path] = std::move(response);
    }
    /// For this path a response with this body.
    void give(const std::string& path, const std::string& body);
    void handle(const std::string& path, http_site::handler h) { site_->handlers[path] = h; }

    // See http_site.
    std::vector<http_seen>& seen = site_->seen;
    const int& connections = site_->connections;
    const int& busiest = site_->busiest;
    const std::size_t& sent = site_->sent;
    int open() const { return site_->open; }
    int busy() const { return site_->busy; }
};

/// `HTTP/1.1 200 OK` with this body, and more fields if they are given, each with its end of line.
std::string http_ok(const std::string& body, const std::string& fields = {});

}  // namespace green_test
