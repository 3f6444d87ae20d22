#pragma once

// A client and a server that use every operation of a stream, and the ways to bring them together. For
// tests that disturb them.

#include "net/streams.hpp"

#include <green/core/errors.hpp>
#include <green/net/stream_error.hpp>
#include <green/net/tcp_listener.hpp>
#include <green/net/tcp_stream.hpp>
#include <green/net/unix_listener.hpp>
#include <green/net/unix_stream.hpp>
#include <green/tasks/when_all.hpp>

#include <cstddef>
#include <exception>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

namespace green_test {

/// More than the kernel's smallest buffers hold on the way.
inline constexpr std::size_t long_message = 40'000;

template <class Stream>
green::task<std::string> read_count(Stream& s, std::size_t count) {
    std::string all;
    while (all.size() < count) {
        green::chunk const c = co_await s.read();
        if (c.empty()) break;
        all += c.view();
    }
    co_return all;
}

/// What the client says, and what it must hear. Throws std::runtime_error when it hears anything else.
template <class Stream>
green::task<> converse(Stream s) {
    std::string heard;
    co_await s.write_all("a line\n");
    heard += co_await s.read_until("\n", 100);
    const green::const_buffer parts[] = {"12345", "67890"};
    co_await s.write_all(parts);
    std::string ten(10, '\0');
    co_await s.read_exactly(bytes(ten));
    heard += ten;
    std::string const message = pattern(long_message);
    auto reading = read_count(s, message.size());
    auto const [written, echoed] =
        co_await green::when_all(s.write_all(message), std::move(reading));
    static_cast<void>(written);
    heard += echoed;
    co_await s.write_all("goodbye");
    co_await s.shutdown_write();
    heard += co_await read_all(s);
    co_await s.close();
    std::string const all = "a line\n1234567890" + message + "goodbye";
    if (!all.starts_with(heard)) throw std::runtime_error("heard what was not said");
    if (heard != all) throw green::end_of_stream_error("hear it to the end");
}

/// The server's part of it.
template <class Stream>
green::task<> answer(Stream s) {
    std::string const line = co_await s.read_until("\n", 100);
    co_await s.write_all(line);
    memory m;
    for (std::size_t left = 10; left > 0;) {
        std::size_t const n = co_await s.read_some(std::span(m).first(left));
        if (n == 0) throw green::end_of_stream_error("read ten bytes");
        co_await s.write_all(std::span<const std::byte>(m).first(n));
        left -= n;
    }
    for (;;) {
        green::chunk const c = co_await s.read();
        if (c.empty()) break;
        co_await s.write_all(c);
    }
    co_await s.shutdown_write();
    co_await s.close();
}

struct over_tcp {
    green::tcp_listener listener = green::tcp_listener::bind("127.0.0.1", 0, small());

    static green::listen_options small() {
        green::listen_options o;
        o.receive_buffer = o.send_buffer = 4096;
        return o;
    }
    static green::connect_options small_too() {
        green::connect_options o;
        o.receive_buffer = o.send_buffer = 4096;
        return o;
    }
    green::task<> server() {
        green::tcp_stream s = co_await listener.accept();
        co_await answer(std::move(s));
    }
    green::task<> client(green::address where) {
        green::tcp_stream s =
            co_await green::tcp_stream::connect("127.0.0.1", where.port(), small_too());
        co_await converse(std::move(s));
    }
};

struct over_unix {
    green::unix_listener listener = green::unix_listener::bind(green::address::parse(name()));

    static std::string name() {
        static int count = 0;
        return "@green-test-" + std::to_string(::getpid()) + '-' + std::to_string(++count);
    }
    green::task<green::unix_stream> accepted() {
        green::unix_stream s = co_await listener.accept();
        co_return small(std::move(s));
    }
    static green::task<green::unix_stream> connected(green::address where) {
        green::unix_stream s = co_await green::unix_stream::connect(where);
        co_return small(std::move(s));
    }
    green::task<> server() {
        green::unix_stream s = co_await accepted();
        co_await answer(std::move(s));
    }
    green::task<> client(green::address where) {
        green::unix_stream s = co_await connected(where);
        co_await converse(std::move(s));
    }

private:
    static green::unix_stream small(green::unix_stream s) {
        int const size = 4096;
        setsockopt(s.native_handle(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        return s;
    }
};

/// The server of one conversation, and nobody after it: who waits to be accepted is turned away.
template <class Transport>
green::task<> serve_once(Transport& transport) {
    struct closer {
        Transport& t;
        ~closer() { t.listener.close(); }
    } const at_end{transport};
    co_await transport.server();
}

/// How many descriptors this process has open.
inline std::ptrdiff_t open_descriptors() {
    std::filesystem::directory_iterator const all("/proc/self/fd");
    return std::distance(begin(all), end(all));
}

}  // namespace green_test
