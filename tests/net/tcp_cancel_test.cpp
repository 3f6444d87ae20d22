#include "net/failing_calls.hpp"
#include "net/streams.hpp"

#include <green/core/errors.hpp>
#include <green/tasks/as_result.hpp>

#include <cerrno>
#include <string>

// What a cancel leaves behind: of each operation, before it starts, while it waits, when it is through.

using namespace green;
using namespace green_test;

namespace {

/// Fills the way from `s` to its peer; the last write was cancelled before any of it had gone.
task<std::size_t> fill_up(tcp_stream& s) {
    std::size_t written = 0;
    for (;;) {
        auto const done = co_await move_on_after(20ms, s.write_all("x"));
        if (!done) co_return written;
        ++written;
    }
}

task<> read_line(tcp_stream& s, std::string& got) {
    std::string line = co_await s.read_until("\n", 100);
    got = line;
}

}  // namespace

GREEN_TEST("tcp cancel: a read that has not begun, or waits, takes nothing", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    std::string got;
    co_await a.write_all("kept");
    auto unstarted = spawn(keep(read_once(b), got));
    unstarted.cancel();
    co_await as_result(unstarted);
    std::string const first = co_await read_once(b);
    REQUIRE(first == "kept");
    auto waiting = spawn(keep(read_once(b), got));
    co_await settle();
    waiting.cancel();
    co_await a.write_all("too");
    co_await as_result(waiting);
    std::string const second = co_await read_once(b);
    REQUIRE(second == "too");
    REQUIRE(got.empty());
}

GREEN_TEST("tcp cancel: bytes and a cancel in one turn: the bytes win", "[tcp]") {
    auto first = co_await tcp_ends();
    auto second = co_await tcp_ends();
    co_await bytes_beat_a_cancel(std::move(first), std::move(second));
}

GREEN_TEST("tcp cancel: half of what was to be read exactly is for the next reader", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    std::string got;
    auto reader = spawn(read_ten(b, got));
    co_await a.write_all("12345");
    co_await settle();
    reader.cancel();
    co_await as_result(reader);
    REQUIRE(got.empty());
    co_await a.write_all("67890ab");
    co_await read_ten(b, got);
    REQUIRE(got == "1234567890");
    // With something read ahead before and behind it.
    co_await a.write_all("c\nde");
    co_await read_line(b, got);
    REQUIRE(got == "abc\n");
    got.clear();
    auto again = spawn(read_ten(b, got));
    co_await settle();
    again.cancel();
    co_await as_result(again);
    std::string const rest = co_await read_once(b);
    REQUIRE(rest == "de");
}

#if GREEN_TEST_OWN_NEW
task<> fill(tcp_stream& s, std::string& into) { co_await s.read_exactly(bytes(into)); }

GREEN_TEST("tcp cancel: no memory for half of what was to be read exactly", "[tcp]") {
    std::string const half = pattern(20'000);
    for (bool const cancelled : {true, false}) {
        auto [a, b] = co_await tcp_ends();
        std::string into(40'000, '\0');
        auto reading = spawn(fill(b, into));
        co_await a.write_all(half);
        co_await settle();
        if (!cancelled) co_await a.shutdown_write();
        {
            failing_call const no_memory("new", 0, ENOMEM);
            if (cancelled) reading.cancel();
            co_await settle();
            REQUIRE(no_memory.has_failed());
        }
        REQUIRE_FALSE(reading.cancelled());
        std::string const error = co_await error_of_wait<std::system_error>(std::move(reading));
        REQUIRE(contains(error, "Cannot allocate memory"));
        if (cancelled) co_await a.write_all("next");
        std::string const next = co_await read_once(b);
        REQUIRE(next == (cancelled ? "next" : ""));
    }
}
#endif

GREEN_TEST("tcp cancel: half a line is for the next reader", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    std::string got;
    co_await a.write_all("half a ");
    bool const in_time = co_await move_on_after(10ms, read_line(b, got));
    REQUIRE_FALSE(in_time);
    co_await a.write_all("line\n");
    co_await read_line(b, got);
    REQUIRE(got == "half a line\n");
}

GREEN_TEST("tcp cancel: a write of which nothing has gone leaves the stream whole", "[tcp]") {
    auto [a, b] = co_await tcp_ends(4096);
    std::size_t const written = co_await fill_up(a);
    std::string all;
    while (all.size() < written) all += co_await read_once(b);
    co_await a.write_all("y");
    co_await a.shutdown_write();
    all += co_await read_all(b);
    REQUIRE((all == std::string(written, 'x') + "y"));
}

GREEN_TEST("tcp cancel: half a message breaks the stream, for writing", "[tcp]") {
    auto [a, b] = co_await tcp_ends(4096);
    std::string const name = "tcp " + a.remote_address().to_string();
    {
        std::string const message = pattern(4 << 20);
        bool const done = co_await move_on_after(10ms, a.write_all(message));
        REQUIRE_FALSE(done);
    }
    std::string const write = co_await error_of_wait<broken_stream_error>(a.write_all("more"));
    REQUIRE(write == "write " + name + ": broken by a write that was given up in the middle");
    std::string const end = co_await error_of_wait<broken_stream_error>(a.shutdown_write());
    REQUIRE(end == "shut down " + name + ": broken by a write that was given up in the middle");
    co_await b.write_all("I can hear you");
    std::string const heard = co_await read_once(a);
    REQUIRE(heard == "I can hear you");
    a.reset();
}

GREEN_TEST("tcp cancel: what does not wait is done when the time is over already", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    bool const empty = co_await move_on_after(0s, a.write_all(""));
    REQUIRE(empty);
    bool const some = co_await move_on_after(0s, a.write_all("in time"));
    REQUIRE(some);
    std::string const got = co_await read_once(b);
    REQUIRE(got == "in time");
    auto const waits = co_await move_on_after(0s, b.read());
    REQUIRE_FALSE(waits.has_value());
}

GREEN_TEST("tcp cancel: a write that has not begun", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    auto const write = [&]() -> task<> { co_await a.write_all("never"); };
    auto unstarted = spawn(write);
    unstarted.cancel();
    co_await as_result(unstarted);
    co_await a.write_all("said");
    std::string const heard = co_await read_once(b);
    REQUIRE(heard == "said");
}

GREEN_TEST("tcp cancel: an accept takes no connection", "[tcp]") {
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    auto const early = co_await move_on_after(10ms, listener.accept());
    REQUIRE_FALSE(early.has_value());
    tcp_stream const a = co_await tcp_stream::connect(listener.local_address());
    tcp_stream const b = co_await listener.accept();
    REQUIRE(b.remote_address() == a.local_address());
}

GREEN_TEST("tcp cancel: a connection that is being made", "[tcp]") {
    // Nobody accepts and the line is full: a further connect waits.
    listen_options narrow;
    narrow.backlog = 0;
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0, narrow);
    std::vector<tcp_stream> in_line;
    for (int i = 0; i < 4; ++i) {
        auto made = co_await move_on_after(50ms, tcp_stream::connect(listener.local_address()));
        if (!made) break;
        in_line.push_back(std::move(*made));
    }
    REQUIRE(in_line.size() < 4);
    tcp_stream const first = co_await listener.accept();
    REQUIRE(first.remote_address() == in_line.front().local_address());
}
