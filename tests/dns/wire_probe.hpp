#pragma once

#include <green/testing/dns_server.hpp>

#include <green/dns/detail/wire.hpp>

#include <uv.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

namespace green::test {

using detail::record_type;
using detail::wire_engine;
using detail::wire_options;
using detail::wire_query;
using detail::wire_status;

/// A loop of the test's own; everything on it has to be closed when it ends.
class test_loop {
public:
    test_loop() {
        std::signal(SIGPIPE, SIG_IGN);
        uv_loop_init(&loop_);
    }
    ~test_loop() {
        uv_run(&loop_, UV_RUN_DEFAULT);
        if (uv_loop_close(&loop_) != 0) {
            uv_print_all_handles(&loop_, stderr);
            std::abort();
        }
    }
    operator uv_loop_t*() { return &loop_; }

    /// Runs until nothing active is left, as an application would.
    void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

private:
    uv_loop_t loop_;
};

/// A query that remembers what became of it, and may do something then.
struct probe : wire_query {
    explicit probe(std::string what, record_type of = record_type::a)
        : wire_query(std::move(what), of, [](wire_query& q) noexcept {
              auto& self = static_cast<probe&>(q);
              ++self.completions;
              // It may destroy this object.
              if (const auto then = self.then) then(self);
          }) {}

    std::string ips() const {
        std::string out;
        for (const auto& a : answer.addresses) out += (out.empty() ? "" : " ") + a.ip();
        return out;
    }

    int completions = 0;
    std::function<void(probe&)> then;
};

/// A UDP port that nobody has.
inline address closed_port() {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const auto any = address::parse("127.0.0.1");
    if (bind(fd, any.data(), any.size()) != 0) throw std::runtime_error("no free port");
    sockaddr_storage name;
    socklen_t size = sizeof name;
    getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
    close(fd);
    return address::from_sockaddr(reinterpret_cast<sockaddr*>(&name), size);
}

inline std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int fd = 0; fd < 1024; ++fd) count += lseek(fd, 0, SEEK_CUR) != -1 || errno != EBADF;
    return count;
}

}  // namespace green::test
