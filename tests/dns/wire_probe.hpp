#pragma once

#include "dns/addresses.hpp"

#include <green/dns/detail/wire.hpp>
#include <green/testing/dns_server.hpp>

#include <uv.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

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
    void turn() { uv_run(&loop_, UV_RUN_NOWAIT); }

private:
    uv_loop_t loop_;
};

/// A query that remembers what became of it, and may do something then.
struct probe final : private std::string, wire_query {
    explicit probe(std::string what, record_type of = record_type::a)
        : std::string(std::move(what)), wire_query(*this, of) {}

    void received(detail::dns_message&& message, std::span<const std::byte> bytes) override {
        answer = std::move(message);
        packet.assign(bytes.begin(), bytes.end());
    }
    void completed(clock::time_point) noexcept override {
        ++completions;
        // It may destroy this object.
        if (const auto call = then) call(*this);
    }

    std::optional<dns_errc> error() const {
        return status == wire_status::answered ? error_of(answer) : error_of(status);
    }

    std::string ips() const { return green_test::text(answer.addresses); }

    detail::dns_message answer;
    std::vector<std::byte> packet;
    int completions = 0;
    std::function<void(probe&)> then;
};

/// A UDP port that nobody has: an address that no server uses, and no port that the system hands out,
/// not even to the engine's own sockets.
inline address closed_port() { return address::parse("127.77.77.77:1"); }

inline std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int fd = 0; fd < 1024; ++fd) count += lseek(fd, 0, SEEK_CUR) != -1 || errno != EBADF;
    return count;
}

}  // namespace green::test
