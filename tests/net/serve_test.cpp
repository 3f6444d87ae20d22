#include <green/net/serve.hpp>

#include "net/streams.hpp"

#include <green/debug/tasks.hpp>
#include <green/loop/sleep.hpp>
#include <green/net/protocol.hpp>
#include <green/net/stream_error.hpp>
#include <green/net/unix_listener.hpp>
#include <green/sync/event.hpp>
#include <green/tasks/as_result.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/this_task.hpp>
#include <green/tasks/timeout.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace green;
using namespace std::chrono_literals;
using green_test::contains;
using green_test::elapsed;

namespace {

/// A peer, by name; it is connected while it lives.
struct peer {
    std::string name;
    std::unique_ptr<green_test::tracker> connected;
};

/// A listener that gives what the test puts in line: peers and errors.
class scripted_listener {
public:
    void comes(const std::string& name) { line_.push_back({name, 0}), changed_.set(); }
    void fails(int error) { line_.push_back({{}, error}), changed_.set(); }
    void close() { closed_.set(), changed_.set(); }
    std::size_t in_line() const { return line_.size(); }

    task<peer> accept() {
        while (line_.empty() && !closed_.is_set()) {
            changed_.clear();
            co_await changed_.wait();
        }
        if (closed_.is_set()) throw closed_error("closed");
        auto const [name, error] = line_.front();
        // Exhaustion takes nothing out of the line.
        if (error != EMFILE || --out_of_descriptors_ <= 0) line_.pop_front();
        log.stamp(error == 0 ? name : "error");
        if (error != 0) throw std::system_error(error, std::system_category(), "accept");
        co_return peer{name, std::make_unique<green_test::tracker>(connections)};
    }
    task<> closed() { co_await closed_.wait(); }

    /// The next `n` tries find no descriptor.
    void run_out(int n) {
        out_of_descriptors_ = n;
        line_.push_front({{}, EMFILE});
    }

    green_test::recorder log;
    green_test::census connections;

private:
    std::deque<std::pair<std::string, int>> line_;
    event changed_;
    event closed_;
    int out_of_descriptors_ = 0;
};

/// Serves for as long as its name says: "20" is 20 ms. "bad" fails, "gone" is disconnected.
task<> handle(peer p) {
    if (p.name == "bad") throw std::runtime_error("a bad request");
    if (p.name == "gone")
        throw disconnected_error(std::make_error_code(std::errc::connection_reset), "read tcp");
    co_await sleep_for(std::chrono::milliseconds(std::stoi(p.name)));
}

struct no_failure {
    void operator()(const std::exception_ptr&) const { FAIL("a handler failed"); }
};

/// Serves until the listener is closed.
template <class E = no_failure>
auto start(scripted_listener& l, serve_options options = {}, E on_error = {}) {
    return spawn(serve(l, handle, options, on_error));
}

}  // namespace

GREEN_TEST("serve: a task for each, until the listener is closed", "[serve]") {
    scripted_listener l;
    auto const serving = start(l);
    for (const char* name : {"30", "10", "20"}) l.comes(name);
    co_await sleep_for(5ms);
    REQUIRE(l.connections.live() == 3);
    co_await sleep_for(20ms);
    REQUIRE(l.connections.live() == 1);
    l.close();
    serve_report const r = co_await serving;
    REQUIRE(elapsed() == 30ms);
    REQUIRE(r == serve_report{.accepted = 3, .served = 3, .peak = 3});
    REQUIRE(l.connections.clean());
}

// conformance 248
GREEN_TEST("serve: at its limit it stops accepting, and goes on when a place is free", "[serve]") {
    scripted_listener l;
    auto const serving = start(l, {.max_connections = 2});
    for (const char* name : {"10", "30", "40", "5"}) l.comes(name);
    co_await sleep_for(1ms);
    REQUIRE(l.in_line() == 2);
    REQUIRE(l.log.text() == "10@0 30@0");
    co_await sleep_for(98ms);
    REQUIRE(l.log.text() == "10@0 30@0 40@10 5@30");
    l.close();
    serve_report const r = co_await serving;
    REQUIRE(r == serve_report{.accepted = 4, .served = 4, .peak = 2});
}

// conformance 249
GREEN_TEST("serve: a handler that fails ends its own connection and no other", "[serve]") {
    green_test::expect_unhandled("of the report");
    scripted_listener l;
    std::vector<std::string> errors;
    auto const on_error = [&](const std::exception_ptr& e) {
        errors.push_back(detail::describe(e));
        if (errors.size() == 2) throw std::runtime_error("of the report");
    };
    auto const serving = start(l, {}, on_error);
    l.comes("20");
    l.comes("bad");
    l.comes("gone");
    co_await sleep_for(1ms);
    REQUIRE(l.connections.live() == 1);
    l.comes("1");
    l.comes("bad");
    co_await sleep_for(1ms);
    l.close();
    serve_report const r = co_await serving;
    REQUIRE(
        r == serve_report{.accepted = 5, .served = 2, .disconnected = 1, .failed = 2, .peak = 3}
    );
    REQUIRE(errors == std::vector<std::string>{"a bad request", "a bad request"});
}

GREEN_TEST("serve: a failure that nobody asked for is unhandled, with its place", "[serve]") {
    scripted_listener l;
    std::string report;
    this_loop().on_unhandled([&](const unhandled_failure& f) { report = f.report; });
    auto const serving = spawn(serve(l, handle));
    l.comes("bad");
    co_await sleep_for(1ms);
    l.close();
    serve_report const r = co_await serving;
    REQUIRE(r.failed == 1);
    REQUIRE(report.find("a bad request") != std::string::npos);
    REQUIRE(report.find("serve_test.cpp") != std::string::npos);
}

// conformance 250
GREEN_TEST("serve: without descriptors it pauses, longer each time, and recovers", "[serve]") {
    scripted_listener l;
    auto const serving = start(l);
    l.run_out(3);
    l.comes("10");
    co_await sleep_for(60ms);
    REQUIRE(l.log.text() == "error@0 error@5 error@15 10@35");
    l.run_out(1);  // and begins with a short pause again
    l.comes("10");
    co_await sleep_for(60ms);
    REQUIRE(l.log.text() == "error@0 error@5 error@15 10@35 error@60 10@65");
    l.close();
    serve_report const r = co_await serving;
    REQUIRE(r == serve_report{.accepted = 2, .served = 2, .peak = 1, .accept_errors = 4});
}

GREEN_TEST("serve: a handler that ends may have freed a descriptor", "[serve]") {
    scripted_listener l;
    auto const serving = start(l);
    l.comes("3");
    co_await sleep_for(1ms);
    l.run_out(1);
    l.comes("0");
    co_await sleep_for(10ms);
    REQUIRE(l.log.text() == "3@0 error@1 0@3");
    l.close();
    co_await serving;
}

// conformance 250
GREEN_TEST(
    "serve: errors of a connection are passed over, one of the listener ends it", "[serve]"
) {
    scripted_listener l;
    auto const serving = start(l);
    for (int const error : {ECONNABORTED, EPROTO, EPERM}) l.fails(error);
    l.comes("20");
    l.fails(EBADF);
    auto const r = co_await as_result(serving);
    REQUIRE(r.error());
    REQUIRE(detail::describe(r.error()) == "accept: Bad file descriptor");
    REQUIRE(elapsed() == 20ms);  // the handler was let finish
    REQUIRE(l.connections.clean());
}

GREEN_TEST("serve: a close gives the handlers a time to finish", "[serve]") {
    for (bool const full : {false, true}) {
        scripted_listener l;
        auto const begin = elapsed();
        auto const serving = start(l, {.max_connections = full ? 2U : 0U, .grace = 50ms});
        l.comes("40");
        l.comes("400");
        if (full) l.comes("1");  // never gets in
        co_await sleep_for(10ms);
        l.close();
        serve_report const r = co_await serving;
        REQUIRE(elapsed() - begin == 60ms);
        REQUIRE(r == serve_report{.accepted = 2, .served = 1, .cancelled = 1, .peak = 2});
        REQUIRE(l.connections.clean());
    }
}

GREEN_TEST("serve: a cancel ends the handlers at once, and there is a report", "[serve]") {
    scripted_listener l;
    auto serving = start(l);
    l.comes("40");
    co_await sleep_for(10ms);
    serving.cancel();
    serve_report const r = co_await serving;
    REQUIRE(r == serve_report{.accepted = 1, .cancelled = 1, .peak = 1});
    REQUIRE(elapsed() == 10ms);
    REQUIRE(l.connections.clean());

    auto unstarted = start(l);
    unstarted.cancel();
    co_await unstarted.join();
    REQUIRE(unstarted.cancelled());

    // While a closed one lets its handlers finish.
    auto closing = start(l);
    l.comes("40");
    co_await sleep_for(10ms);
    l.close();
    co_await sleep_for(10ms);
    closing.cancel();
    co_await closing.join();
    REQUIRE(elapsed() == 30ms);
    REQUIRE(l.connections.clean());
}

GREEN_TEST("serve: a cancel can leave the handlers a time, too", "[serve]") {
    for (bool const closed : {false, true}) {
        scripted_listener l;
        auto const begin = elapsed();
        auto serving = start(l, {.grace_on_cancel = 50ms});
        l.comes("30");
        l.comes("400");
        co_await sleep_for(10ms);
        if (closed) l.close();
        co_await sleep_for(10ms);
        serving.cancel();
        co_await sleep_for(5ms);
        l.comes("1");  // is not accepted any more
        co_await sleep_for(10ms);
        REQUIRE(l.connections.live() == 1);
        serve_report const r = co_await serving;
        REQUIRE(r == serve_report{.accepted = 2, .served = 1, .cancelled = 1, .peak = 2});
        REQUIRE(elapsed() - begin == 70ms);
        REQUIRE(l.connections.clean());
    }
}

GREEN_TEST("serve: a limit of time around it", "[serve]") {
    scripted_listener l;
    l.comes("400");
    auto const r = co_await move_on_after(20ms, serve(l, handle));
    REQUIRE(r->cancelled == 1);
    REQUIRE(elapsed() == 20ms);
    REQUIRE(l.connections.clean());
}

GREEN_TEST("serve: a handler can ask whether serving ends", "[serve]") {
    for (bool const closed : {false, true}) {
        scripted_listener l;
        auto const begin = elapsed();
        auto const ticks = [](peer) -> task<> {
            while (!this_task::cancel_requested()) co_await sleep_for(10ms);
        };
        auto serving = spawn(serve(l, ticks, {.grace_on_cancel = 1s}));
        l.comes("one");
        l.comes("two");
        co_await sleep_for(25ms);
        if (closed)
            l.close();
        else
            serving.cancel();
        serve_report const r = co_await serving;
        REQUIRE(elapsed() - begin == 30ms);
        REQUIRE(r == serve_report{.accepted = 2, .served = 2, .peak = 2});
    }
}

GREEN_TEST("serve: dumps show the handlers", "[serve]") {
    scripted_listener l;
    auto const serving = start(l);
    l.comes("10");
    l.comes("20");
    co_await sleep_for(1ms);
    std::string dump = dump_tasks();
    REQUIRE(contains(dump, "waits for serve of 3 tasks"));
    REQUIRE(contains(dump, "waits for sleep"));
    l.close();
    co_await sleep_for(1ms);
    dump = dump_tasks();
    REQUIRE(contains(dump, "waits for serve: draining of 2 tasks"));
    REQUIRE(contains(dump, "waits for sleep"));
    co_await serving;
}

TEST_CASE("serve: the end of the run", "[serve]") {
    // Longer than run_options::shutdown_grace, too: then shelters do not hold any more.
    for (auto const grace : {2s, 60s}) {
        scripted_listener l;
        auto const body = [&]() -> task<> {
            start(l, {.grace_on_cancel = grace});
            l.comes("1000");
            l.comes("40000");
            co_await sleep_for(10ms);
        };
        run(green_test::virtual_clock(), body);
        REQUIRE(l.connections.clean());
    }
}

namespace {

task<> echo(tcp_stream s) {
    for (;;) {
        chunk const c = co_await s.read();
        if (c.empty()) co_return;
        co_await s.write_all(c.view());
    }
}

/// The answer to `what`, over a connection of its own.
task<std::string> answer_of(address server, std::string_view what) {
    tcp_stream s = co_await tcp_stream::connect(std::move(server));
    co_await s.write_all(what);
    co_return co_await green_test::read_once(s);
}

}  // namespace

GREEN_TEST("serve: tcp, and a peer that resets its connection", "[serve]") {
    tcp_listener l = tcp_listener::bind("127.0.0.1", 0);
    auto const serving = spawn(serve(l, echo, {.max_connections = 1}, no_failure{}));
    tcp_stream first = co_await tcp_stream::connect(l.local_address());
    co_await first.write_all("one");
    std::string text = co_await green_test::read_once(first);
    REQUIRE(text == "one");
    auto const second = spawn(answer_of(l.local_address(), "two"));
    co_await sleep_for(1s);
    REQUIRE_FALSE(second.done());  // connected, and in line
    first.reset();
    text = co_await second;
    REQUIRE(text == "two");
    l.close();
    serve_report const r = co_await serving;
    REQUIRE(r == serve_report{.accepted = 2, .served = 1, .disconnected = 1, .peak = 1});
}

// conformance 250
GREEN_TEST(
    "serve: when descriptors are short for long, peers are told, and served again later", "[serve]"
) {
    // UBSan looks by means of a pipe whether an object can be read, and takes it for none without one.
    if (std::getenv("UBSAN_OPTIONS")) co_return;
    tcp_listener l = tcp_listener::bind("127.0.0.1", 0);
    address const server = l.local_address();
    std::vector<tcp_stream> peers;
    for (int i = 0; i < 2; ++i) peers.push_back(co_await tcp_stream::connect(server));
    auto const serving = spawn(serve(l, echo));
    co_await yield();  // it has its reserve
    {
        green_test::no_descriptors const none;
        std::string const end = co_await green_test::read_once(peers[0]);
        REQUIRE(end.empty());
        REQUIRE(elapsed() >= 1s);
    }
    co_await peers[1].write_all("two");
    std::string const two = co_await green_test::read_once(peers[1]);
    REQUIRE(two == "two");
    peers.clear();
    l.close();
    serve_report const r = co_await serving;
    REQUIRE(r.turned_away == 1);
    REQUIRE(r.accepted == 1);
    REQUIRE(r.accept_errors > 5);
}

GREEN_TEST("serve: a unix listener, and a handler that keeps something", "[serve]") {
    unix_listener l = unix_listener::bind(address::parse("@green-serve-test"));
    int count = 0;
    auto const say_number = [&count, prefix = std::string("number ")](unix_stream s) -> task<> {
        co_await s.write_all(prefix + std::to_string(++count));
    };
    auto const serving = spawn(serve(l, say_number));
    for (const char* expected : {"number 1", "number 2"}) {
        unix_stream s = co_await unix_stream::connect(l.local_address());
        std::string const said = co_await green_test::read_all(s);
        REQUIRE(said == expected);
    }
    l.close();
    serve_report const r = co_await serving;
    REQUIRE(r.served == 2);
}

// --- protocol.hpp

namespace {

/// Sends lines back in capitals; "bye" ends the connection, "fail" throws.
struct shouting {
    explicit shouting(std::string& l) : log(l) {}
    void on_connect(transport& t) { t.write("hello\n"); }
    void on_data(transport& t, std::span<const std::byte> data) {
        for (std::byte const b : data) {
            char const c = static_cast<char>(b);
            line += static_cast<char>(std::toupper(c));
            if (c == '\n') on_line(t, std::exchange(line, {}));
        }
    }
    void on_line(transport& t, const std::string& text) {
        if (text == "FAIL\n") throw std::runtime_error("cannot shout");
        t.write(text);
        if (text == "BYE\n") t.close();
    }
    void on_close(const std::exception_ptr& why) {
        log += why ? detail::describe(why) : std::string("closed");
        log += '\n';
    }

    std::string& log;
    std::string line;
};

task<std::string> talk(address server, std::string_view what, bool half_close) {
    tcp_stream s = co_await tcp_stream::connect(std::move(server));
    co_await s.write_all(what);
    if (half_close) co_await s.shutdown_write();
    co_return co_await green_test::read_all(s);
}

}  // namespace

GREEN_TEST("protocol: callbacks by a connection, until either side ends it", "[protocol]") {
    tcp_listener l = tcp_listener::bind("127.0.0.1", 0);
    address const server = l.local_address();
    std::string log;
    std::vector<std::string> errors;
    auto const handler = [&](tcp_stream peer) -> task<> {
        shouting protocol(log);
        co_await drive_protocol(std::move(peer), protocol);
    };
    auto const on_error = [&](const std::exception_ptr& e) {
        errors.push_back(detail::describe(e));
    };
    auto const serving = spawn(serve(l, handler, {}, on_error));
    std::string text = co_await talk(server, "one\ntwo\n", true);
    REQUIRE(text == "hello\nONE\nTWO\n");
    text = co_await talk(server, "one\nbye\nnot this\n", false);
    REQUIRE(text == "hello\nONE\nBYE\n");
    {
        tcp_stream s = co_await tcp_stream::connect(server);
        co_await s.read_until("\n", 100);
        s.reset();
        co_await green_test::settle();
    }
    REQUIRE(log.starts_with("closed\nclosed\nread tcp 127.0.0.1:"));
    REQUIRE(log.ends_with(": Connection reset by peer\n"));
    tcp_stream s = co_await tcp_stream::connect(server);
    co_await s.read_until("\n", 100);
    co_await s.write_all("fail\n");
    text = co_await green_test::read_all(s);
    REQUIRE(text.empty());
    l.close();
    co_await serving;
    REQUIRE(errors == std::vector<std::string>{"cannot shout"});
}

GREEN_TEST("protocol: a peer that does not take its answers is not read from", "[protocol]") {
    auto ends = co_await green_test::tcp_ends(4096);
    struct counts {
        void on_data(transport& t, std::span<const std::byte> data) {
            read += data.size();
            t.write(data);
            t.write(data);
            most = std::max(most, t.pending());
        }
        std::size_t read = 0;
        std::size_t most = 0;
    } doubles;
    auto const driving = spawn(drive_protocol(std::move(ends.b), doubles));
    constexpr std::size_t size = 1 << 20;
    auto const write = [&]() -> task<> {
        co_await ends.a.write_all(std::string(size, 'x'));
        co_await ends.a.shutdown_write();
    };
    auto const writing = spawn(write);
    co_await sleep_for(1s);
    REQUIRE(doubles.read < size / 2);
    std::string const all = co_await green_test::read_all(ends.a);
    REQUIRE(all.size() == 2 * size);
    co_await writing;
    co_await driving;
    REQUIRE(doubles.most <= transport::high_water + 2 * 16 * 1024);
}
