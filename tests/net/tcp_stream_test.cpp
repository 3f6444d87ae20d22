#include "net/streams.hpp"

#include <green/core/errors.hpp>
#include <green/net/byte_stream.hpp>
#include <green/tasks/as_result.hpp>
#include <green/tasks/when_all.hpp>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <vector>

#include <fcntl.h>

using namespace green;
using namespace green_test;

static_assert(byte_stream<tcp_stream>);

namespace {

template <class Error = std::exception, class F>
std::string failure(F f) {
    return error_of<Error>(f);
}

task<> echo(tcp_stream& s) {
    for (;;) {
        chunk const c = co_await s.read();
        if (c.empty()) break;
        co_await s.write_all(c);
    }
    co_await s.shutdown_write();
}

/// Writes until the kernel takes no more, and then waits.
task<> fill(tcp_stream& s, bool& waits) {
    std::string const block(1 << 16, 'f');
    waits = true;
    for (;;) co_await s.write_all(block);
}

}  // namespace

GREEN_TEST("tcp: what is written is read, both ways, until the end", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    co_await a.write_all("hello");
    std::string const heard = co_await read_once(b);
    REQUIRE(heard == "hello");
    const_buffer const parts[] = {"", "one ", std::string_view("two "), "", "three", ""};
    co_await b.write_all(parts);
    co_await b.write_all("");
    co_await b.shutdown_write();
    std::string const all = co_await read_all(a);
    REQUIRE(all == "one two three");
    std::string const end = co_await read_once(a);
    REQUIRE(end.empty());
    // Half-closed: the other direction goes on.
    co_await a.write_all("still there");
    co_await a.close();
    std::string const rest = co_await read_all(b);
    REQUIRE(rest == "still there");
}

GREEN_TEST("tcp: a reader waits for what comes later, and holds nothing meanwhile", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    auto const reader = spawn(read_once(b));
    co_await sleep_for(5ms);
    REQUIRE_FALSE(reader.done());
    co_await a.write_all("late");
    std::string const said = co_await reader;
    REQUIRE(said == "late");
    std::size_t const none = co_await b.read_some({});
    REQUIRE(none == 0);
}

GREEN_TEST_REAL_CLOCK("tcp: megabytes through small buffers, while the reader is slow", "[tcp]") {
    auto [a, b] = co_await tcp_ends(4096);
    std::string const sent = pattern(1 << 20);
    auto const write = [&]() -> task<> {
        std::vector<const_buffer> parts;
        std::string_view rest = sent;
        for (std::size_t size = 1; !rest.empty(); size = size % 9000 + 77) {
            parts.emplace_back(rest.substr(0, size));
            rest.remove_prefix(std::min(size, rest.size()));
        }
        co_await a.write_all(std::span<const const_buffer>(parts));
        co_await a.shutdown_write();
    };
    auto const writer = spawn(write);
    std::string got;
    std::string part(777, '\0');
    for (;;) {
        std::size_t const n = co_await b.read_some(bytes(part));
        if (n == 0) break;
        got.append(part, 0, n);
        if (got.size() % 5 == 0) co_await yield();
    }
    co_await writer;
    REQUIRE((got == sent));
}

GREEN_TEST_REAL_CLOCK("tcp: a reader and a writer of one stream overlap", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    auto const echoing = spawn(echo(b));
    std::string const sent = pattern(3 << 20);
    auto const write = [&]() -> task<> {
        co_await a.write_all(sent);
        co_await a.shutdown_write();
    };
    auto const writer = spawn(write);
    std::string const got = co_await read_all(a);
    co_await writer;
    co_await echoing;
    REQUIRE((got == sent));
}

GREEN_TEST("tcp: exactly so many bytes, or an error that says how many came", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    std::string got(6, '\0');
    auto const read = [&]() -> task<> { co_await b.read_exactly(bytes(got)); };
    auto const reader = spawn(read);
    co_await a.write_all("abc");
    co_await settle();
    REQUIRE_FALSE(reader.done());
    co_await a.write_all("defgh");
    co_await reader;
    REQUIRE(got == "abcdef");
    co_await a.close();
    std::string error;
    try {
        co_await b.read_exactly(bytes(got));
    } catch (const end_of_stream_error& e) {
        error = e.what();
        REQUIRE(e.code() == stream_errc::end_of_stream);
    }
    REQUIRE(
        error ==
        "read tcp " + b.remote_address().to_string() + ", after 2 of 6 bytes: end of stream"
    );
    std::string const rest = co_await read_all(b);
    REQUIRE(rest == "gh");
}

GREEN_TEST("tcp: until a delimiter, which may come in pieces", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    auto const reader = spawn(b.read_until("\r\n", 100));
    for (const char* piece : {"one", "\r", "\n\r\nthr"}) {
        co_await a.write_all(piece);
        co_await settle();
    }
    std::string const first = co_await reader;
    REQUIRE(first == "one\r\n");
    std::string const second = co_await b.read_until("\r\n", 2);
    REQUIRE(second == "\r\n");
    // What was read ahead is what others read first.
    memory m;
    co_await b.read_exactly(std::span(m).first(1));
    REQUIRE(text(std::span(m).first(1)) == "t");
    co_await a.write_all("ee\r\n");
    chunk const c = co_await b.read();
    REQUIRE(c.view() == "hr");
    std::string const last = co_await b.read_until("\n", 5);
    REQUIRE(last == "ee\r\n");
}

GREEN_TEST("tcp: no delimiter within the limit, or before the end: nothing is lost", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    co_await a.write_all("0123456789\n");
    std::string const peer = b.remote_address().to_string();
    std::error_code code;
    std::string error;
    try {
        co_await b.read_until("\n", 10);
    } catch (const std::system_error& e) {
        code = e.code();
        error = e.what();
    }
    REQUIRE(code == stream_errc::delimiter_not_found);
    REQUIRE(error == "read tcp " + peer + ", 10 bytes: no delimiter within the limit");
    std::string const line = co_await b.read_until("\n", 11);
    REQUIRE(line == "0123456789\n");
    co_await a.write_all("half a line");
    co_await a.close();
    error = co_await error_of_wait<end_of_stream_error>(b.read_until("\n", 100));
    REQUIRE(error == "read tcp " + peer + ", before the delimiter: end of stream");
    std::string const rest = co_await read_all(b);
    REQUIRE(rest == "half a line");
    REQUIRE_THROWS_AS(b.read_until("", 1), std::invalid_argument);
}

GREEN_TEST("tcp: a second reader and a second writer are errors", "[tcp]") {
    auto [a, b] = co_await tcp_ends(4096);
    auto reader = spawn(read_once(a));
    bool waits = false;
    auto writer = spawn(fill(a, waits));
    co_await settle();
    std::string const name = "tcp " + a.remote_address().to_string();
    std::string const second_reader = co_await error_of_wait(a.read());
    REQUIRE(second_reader == "green: read " + name + ": another task waits for the same");
    std::string const second_writer = co_await error_of_wait(a.write_all("x"));
    REQUIRE(second_writer == "green: write " + name + ": another task waits for the same");
    std::string const end_in_between = co_await error_of_wait(a.shutdown_write());
    REQUIRE(end_in_between == "green: shut down " + name + ": another task waits for the same");
    reader.cancel();
    writer.cancel();
}

GREEN_TEST("tcp: closing wakes reader and writer at once", "[tcp]") {
    auto [a, b] = co_await tcp_ends(4096);
    std::string const name = "tcp " + a.remote_address().to_string();
    bool waits = false;
    auto const reader = spawn(error_of_wait<closed_error>(a.read()));
    auto const writer = spawn(error_of_wait<closed_error>(fill(a, waits)));
    co_await settle();
    auto const before = elapsed();
    a.close();
    std::string const read_error = co_await reader;
    std::string const write_error = co_await writer;
    REQUIRE(read_error == "read " + name + ": closed meanwhile");
    REQUIRE(write_error == "write " + name + ": closed meanwhile");
    REQUIRE(elapsed() == before);
    REQUIRE_FALSE(a.is_open());
    std::string const later = co_await error_of_wait<closed_error>(a.write_all("x"));
    REQUIRE(later == "write: it is closed");
    std::string const end = co_await error_of_wait<closed_error>(a.shutdown_write());
    REQUIRE(end == "shut down: it is closed");
    co_await a.close();
    REQUIRE(a.remote_address() == address::parse(name.substr(4)));
    REQUIRE(failure([&] { a.local_address(); }) == "address of " + name + ": Bad file descriptor");
}

GREEN_TEST("tcp: a stream is moved or destroyed while somebody reads", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    auto first = std::make_unique<tcp_stream>(std::move(b));
    auto const reader = spawn(read_once(*first));
    co_await yield();
    tcp_stream moved = std::move(*first);
    first.reset();
    co_await a.write_all("moved");
    std::string const said = co_await reader;
    REQUIRE(said == "moved");
    auto const orphan = spawn(error_of_wait<closed_error>(moved.read()));
    co_await yield();
    { tcp_stream const gone = std::move(moved); }
    std::string const error = co_await orphan;
    REQUIRE(error.ends_with("closed meanwhile"));
    std::string const end = co_await read_once(a);
    REQUIRE(end.empty());
}

GREEN_TEST("tcp: the number of a closed descriptor is another's", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    auto [c, d] = co_await tcp_ends();
    auto const reader = spawn(error_of_wait<closed_error>(b.read()));
    co_await settle();
    int const number = b.native_handle();
    b.close();
    // The next descriptor gets the number before the reader has even run.
    tcp_stream const copy =
        tcp_stream::from_descriptor(owned_fd(::fcntl(d.native_handle(), F_DUPFD_CLOEXEC, number)));
    REQUIRE(copy.native_handle() == number);
    co_await c.write_all("for the other one");
    std::string const error = co_await reader;
    REQUIRE(error.ends_with("closed meanwhile"));
    std::string const said = co_await read_once(d);
    REQUIRE(said == "for the other one");
}

GREEN_TEST("tcp: a reset, and what comes after it", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    std::string const name = "tcp " + b.remote_address().to_string();
    auto const reader = spawn(error_of_wait<disconnected_error>(b.read()));
    co_await settle();
    a.reset();
    std::string const reading = co_await reader;
    REQUIRE(reading == "read " + name + ": Connection reset by peer");
    std::error_code code;
    try {
        co_await b.write_all("anyone there?");
    } catch (const disconnected_error& e) {
        code = e.code();
    }
    REQUIRE(code == std::errc::broken_pipe);
    a.reset();
}

GREEN_TEST("tcp: the peer closes while the writer waits", "[tcp]") {
    auto [a, b] = co_await tcp_ends(4096);
    bool waits = false;
    auto const writer = spawn(error_of_wait<disconnected_error>(fill(a, waits)));
    co_await settle();
    REQUIRE_FALSE(writer.done());
    b.close();
    std::string const error = co_await writer;
    REQUIRE(error.starts_with("write tcp " + a.remote_address().to_string()));
    std::string const later = co_await error_of_wait<broken_stream_error>(a.write_all("x"));
    REQUIRE(later.starts_with("write tcp "));
}

GREEN_TEST("tcp: options", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    REQUIRE(a.local_address() == b.remote_address());
    REQUIRE(b.local_address() == a.remote_address());
    a.set_nodelay(false);
    a.set_nodelay(true);
    a.set_keep_alive(keep_alive{10s, 5s, 3});
    a.set_keep_alive({});
    a.set_linger(1s);
    a.set_linger({});
    a.set_receive_buffer(10'000);
    a.set_send_buffer(10'000);
    REQUIRE(a.receive_buffer() >= 10'000);
    REQUIRE(a.send_buffer() >= 10'000);
    REQUIRE(failure([&] {
                a.set_keep_alive(keep_alive{0s, 5s, 3});
            }) == "set keep-alive of tcp " + a.remote_address().to_string() + ": Invalid argument");
    a.close();
    REQUIRE(failure([&] { a.set_nodelay(true); }).ends_with("Bad file descriptor"));
}

GREEN_TEST("tcp: a descriptor that is taken over, and given away", "[tcp]") {
    auto [a, b] = co_await tcp_ends();
    auto const reader = spawn(error_of_wait<closed_error>(b.read()));
    co_await settle();
    owned_fd fd = b.release();
    REQUIRE(fd);
    REQUIRE_FALSE(b.release());
    std::string const error = co_await reader;
    REQUIRE(error.ends_with("closed meanwhile"));
    tcp_stream again = tcp_stream::from_descriptor(std::move(fd));
    REQUIRE(again.remote_address() == a.local_address());
    co_await a.write_all("hello again");
    std::string const said = co_await read_once(again);
    REQUIRE(said == "hello again");
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    REQUIRE(failure([&] {
                tcp_stream::from_descriptor(listener.release());
            }) == "take over tcp: Invalid argument");
    REQUIRE(failure([&] {
                tcp_stream::from_descriptor(owned_fd());
            }) == "take over tcp: Bad file descriptor");
}

TEST_CASE("tcp: a stream may outlive its loop", "[tcp]") {
    auto const open = []() -> task<tcp_stream> {
        auto both = co_await tcp_ends();
        co_return std::move(both.a);
    };
    tcp_stream s = run(open);
    REQUIRE_FALSE(s.is_open());
    s.close();
}

GREEN_TEST("tcp: an end of the run while tasks read and write", "[tcp]") {
    auto both = std::make_shared<ends<tcp_stream>>(co_await tcp_ends(4096));
    auto const read = [](std::shared_ptr<ends<tcp_stream>> e) -> task<> {
        co_await read_all(e->a);
    };
    auto const write = [](std::shared_ptr<ends<tcp_stream>> e) -> task<> {
        bool waits = false;
        co_await fill(e->a, waits);
    };
    spawn(read, both);
    spawn(write, both);
    co_await settle();
}
