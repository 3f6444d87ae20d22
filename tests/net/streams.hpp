#pragma once

// What the tests of streams share.

#include "support/green_test.hpp"
#include "support/waits.hpp"

#include <green/debug/stats.hpp>
#include <green/net/tcp_listener.hpp>
#include <green/tasks/as_result.hpp>
#include <green/tasks/spawn.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

namespace green_test {

using memory = std::array<std::byte, 64>;

inline std::string text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::span<std::byte> bytes(std::string& s) { return std::as_writable_bytes(std::span(s)); }

/// The two ends of a connection.
template <class Stream>
struct ends {
    Stream a;
    Stream b;
};

/// Over TCP on loopback. Small buffers in the kernel if they are to fill up soon.
inline green::task<ends<green::tcp_stream>> tcp_ends(int buffers = 0) {
    green::listen_options taking;
    taking.receive_buffer = taking.send_buffer = buffers;
    green::connect_options making;
    making.receive_buffer = making.send_buffer = buffers;
    green::tcp_listener listener = green::tcp_listener::bind("127.0.0.1", 0, taking);
    green::tcp_stream a = co_await green::tcp_stream::connect(listener.local_address(), making);
    green::tcp_stream b = co_await listener.accept();
    co_return ends<green::tcp_stream>{std::move(a), std::move(b)};
}

/// All that comes until the end.
template <class Stream>
green::task<std::string> read_all(Stream& s) {
    std::string all;
    for (;;) {
        green::chunk const c = co_await s.read();
        if (c.empty()) co_return all;
        all += c.view();
    }
}

/// One read: "" at the end.
template <class Stream>
green::task<std::string> read_once(Stream& s) {
    memory m;
    std::size_t const n = co_await s.read_some(m);
    co_return text(std::span(m).first(n));
}

/// So that a task that is cancelled shows what it has read.
inline green::task<> keep(green::task<std::string> reading, std::string& got) {
    std::string text = co_await std::move(reading);
    got = std::move(text);
}

/// The same of ten bytes.
template <class Stream>
green::task<> read_ten(Stream& s, std::string& got) {
    std::string ten(10, '\0');
    co_await s.read_exactly(bytes(ten));
    got = ten;
}

/// Bytes for a reader that is cancelled in the turn in which they come: it has read them.
template <class Stream>
green::task<> bytes_beat_a_cancel(ends<Stream> first, ends<Stream> second) {
    std::string got;
    auto keeper = green::spawn(keep(read_once(second.b), got));
    auto const cancel_other = [&]() -> green::task<> {
        co_await read_once(first.b);
        keeper.cancel();
    };
    auto const canceller = green::spawn(cancel_other);
    co_await settle();
    // Both arrive before libuv looks, so both tasks are ready when the first of them runs.
    co_await first.a.write_all("one");
    co_await second.a.write_all("two");
    co_await canceller;
    co_await green::as_result(keeper);
    REQUIRE(got == "two");
}

/// Lets the others make so many steps, or less if `t` ends.
inline green::task<> let_step(std::uint64_t steps, const green::join_handle<void>& t) {
    auto const before = green::this_loop_stats().resumes;
    for (std::uint64_t own = 0; !t.done(); ++own) {
        if (green::this_loop_stats().resumes - before >= own + steps) break;
        co_await green::yield();
    }
}

/// A text in which every place is different from its neighbours.
inline std::string pattern(std::size_t size) {
    std::string s(size, '\0');
    unsigned state = 1;
    for (char& c : s) c = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
    return s;
}

/// No descriptors beyond those that are open, until it ends.
class no_descriptors {
public:
    no_descriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        int const next = ::dup(0);
        ::close(next);
        rlimit const tight{static_cast<rlim_t>(next), before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &tight);
    }
    no_descriptors(const no_descriptors&) = delete;
    no_descriptors& operator=(const no_descriptors&) = delete;
    ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

}  // namespace green_test
