#include "net/streams.hpp"
#include "net/tls_fixture.hpp"

#include <green/core/errors.hpp>
#include <green/net/detail/openssl.hpp>
#include <green/net/serve.hpp>
#include <green/net/tls_stream.hpp>
#include <green/net/unix_stream.hpp>
#include <green/tasks/as_result.hpp>

#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

using namespace green;
using namespace green_test;
using namespace std::chrono_literals;

namespace {

using secure_stream = tls_stream<tcp_stream>;

const tls_context& shared_client() {
    static tls_context const context = client_context();
    return context;
}
const tls_context& shared_server() {
    static tls_context const context = server_context();
    return context;
}

/// `a` is the client, `b` the server.
template <class Stream>
task<ends<tls_stream<Stream>>> secured(ends<Stream> below) {
    auto accepting = spawn(tls_stream<Stream>::accept(std::move(below.b), shared_server()));
    auto a = co_await tls_stream<Stream>::connect(std::move(below.a), "localhost", shared_client());
    auto b = co_await std::move(accepting);
    co_return ends<tls_stream<Stream>>{std::move(a), std::move(b)};
}

task<ends<secure_stream>> tls_ends(int buffers = 0) {
    auto below = co_await tcp_ends(buffers);
    co_return co_await secured(std::move(below));
}

/// A client that does what none of ours would.
class raw_client {
public:
    explicit raw_client(unix_stream s) noexcept
        : stream_(std::move(s)),
          context_(SSL_CTX_new(TLS_client_method())),
          ssl_(SSL_new(context_.get())) {
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(ssl_.get());
    }
    task<> shake_hands() {
        while (SSL_do_handshake(ssl_.get()) != 1) {
            co_await send();
            chunk const answer = co_await stream_.read();
            BIO_write(SSL_get_rbio(ssl_.get()), answer.data(), static_cast<int>(answer.size()));
        }
        co_await send();
    }
    task<> ask_for_new_keys(int times) {
        for (int i = 0; i < times; ++i) {
            SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED);
            SSL_do_handshake(ssl_.get());
        }
        co_await send();
    }

private:
    task<> send() {
        std::string output(BIO_ctrl_pending(SSL_get_wbio(ssl_.get())), '\0');
        BIO_read(SSL_get_wbio(ssl_.get()), output.data(), static_cast<int>(output.size()));
        co_await stream_.write_all(output);
    }

    unix_stream stream_;
    detail::openssl_ptr<SSL_CTX> context_;
    detail::openssl_ptr<SSL> ssl_;
};

task<> echo(secure_stream& s) {
    for (;;) {
        chunk const c = co_await s.read();
        if (c.empty()) break;
        co_await s.write_all(c);
    }
    co_await s.shutdown_write();
}

/// How a task ends: the text of its error.
template <class T>
task<std::string> error_of_task(task<T> t) {
    try {
        co_await std::move(t);
    } catch (const std::exception& e) {
        co_return e.what();
    }
    co_return "no error";
}

}  // namespace

static_assert(byte_stream<secure_stream>);

GREEN_TEST("tls: bytes in every way there is to read and write", "[tls]") {
    auto [a, b] = co_await tls_ends();
    const_buffer const parts[] = {"a line\n", "", "12345", "rest"};
    co_await a.write_all(parts);
    std::string const line = co_await b.read_until("\n", 100);
    REQUIRE(line == "a line\n");
    std::string five(5, '\0');
    co_await b.read_exactly(bytes(five));
    REQUIRE(five == "12345");
    std::string const rest = co_await read_once(b);
    REQUIRE(rest == "rest");
    co_await a.write_all("");
    co_await a.write_all("the end");
    co_await a.shutdown_write();
    std::string const all = co_await read_all(b);
    REQUIRE(all == "the end");
    co_await b.write_all("and an answer");
    co_await b.close();
    std::string const answer = co_await read_all(a);
    REQUIRE(answer == "and an answer");
    REQUIRE(a.info().version == "TLSv1.3");
    REQUIRE(b.transport().is_open() == false);
}

GREEN_TEST("tls: much in both directions at once, through small buffers", "[tls]") {
    auto [a, b] = co_await tls_ends(4096);
    auto const echoing = spawn(echo(b));
    std::string const sent = pattern(400'000);
    auto const write = [&]() -> task<> {
        co_await a.write_all(sent);
        co_await a.shutdown_write();
    };
    auto const writing = spawn(write);
    std::string const received = co_await read_all(a);
    REQUIRE((received == sent));
    co_await writing;
    co_await echoing;
}

GREEN_TEST("tls: to a host and port, by one call", "[tls]") {
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    auto const serve_one = [&]() -> task<> {
        tcp_stream below = co_await listener.accept();
        auto s = co_await secure_stream::accept(std::move(below), shared_server());
        co_await echo(s);
        co_await s.close();
    };
    auto const serving = spawn(serve_one);
    std::uint16_t const port = listener.local_address().port();
    auto s = co_await secure_stream::connect("127.0.0.1", port, shared_client());
    co_await s.write_all("hello");
    co_await s.shutdown_write();
    std::string const all = co_await read_all(s);
    REQUIRE(all == "hello");
    co_await serving;
}

GREEN_TEST("tls: over a stream that is TLS itself", "[tls]") {
    auto outer = co_await tls_ends();
    auto [a, b] = co_await secured(std::move(outer));
    co_await a.write_all("twice");
    co_await a.close();
    std::string const all = co_await read_all(b);
    REQUIRE(all == "twice");
}

GREEN_TEST("tls: an end before the bytes that are demanded, a limit, an empty delimiter", "[tls]") {
    auto [a, b] = co_await tls_ends();
    co_await a.write_all("123");
    std::string const peer = a.transport().local_address().to_string();
    std::string error = co_await error_of_task(b.read_until("\n", 3));
    REQUIRE(error.starts_with("tls read from " + peer + ", 3 bytes: "));
    co_await a.shutdown_write();
    std::string ten(10, '\0');
    error = co_await error_of_task(b.read_exactly(bytes(ten)));
    REQUIRE(error.starts_with("tls read from " + peer + ", after 3 of 10 bytes: "));
    error = co_await error_of_task(b.read_until("\n", 100));
    REQUIRE(error.starts_with("tls read from " + peer + ", before the delimiter: "));
    std::string const rest = co_await read_once(b);
    REQUIRE(rest == "123");
    error = co_await error_of_task(b.read_until("", 100));
    REQUIRE(error == "green: read_until: an empty delimiter");
    error = co_await error_of_task(a.write_all("more"));
    REQUIRE(error == "tls write to localhost after its end: Broken pipe");
}

GREEN_TEST("tls: a read that is cancelled takes nothing", "[tls]") {
    auto [a, b] = co_await tls_ends();
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
    co_await a.write_all("1234");
    co_await as_result(waiting);
    auto ten = spawn(read_ten(b, got));
    co_await settle();
    ten.cancel();
    co_await as_result(ten);
    auto const in_time = co_await move_on_after(10ms, b.read_until("\n", 100));
    REQUIRE_FALSE(in_time.has_value());
    REQUIRE(got.empty());
    co_await a.write_all("567890\n");
    co_await read_ten(b, got);
    REQUIRE(got == "1234567890");
}

GREEN_TEST("tls: bytes and a cancel in one turn: the bytes win", "[tls]") {
    auto first = co_await tls_ends();
    auto second = co_await tls_ends();
    co_await bytes_beat_a_cancel(std::move(first), std::move(second));
}

GREEN_TEST("tls: a write that is cancelled ends writing, not reading", "[tls]") {
    auto [a, b] = co_await tls_ends(4096);
    std::string const message = pattern(4 << 20);
    bool const done = co_await move_on_after(10ms, a.write_all(message));
    REQUIRE_FALSE(done);
    std::string const error = co_await error_of_wait<broken_stream_error>(a.write_all("more"));
    REQUIRE(error == "tls write to localhost: broken by a write that was given up in the middle");
    std::string const end = co_await error_of_wait<broken_stream_error>(a.shutdown_write());
    REQUIRE(end == error);
    co_await b.write_all("I can hear you");
    std::string const heard = co_await read_once(a);
    REQUIRE(heard == "I can hear you");
    co_await a.close();
}

GREEN_TEST("tls: a write that has not begun is none", "[tls]") {
    auto [a, b] = co_await tls_ends();
    auto const write = [&]() -> task<> { co_await a.write_all("never"); };
    auto unstarted = spawn(write);
    unstarted.cancel();
    co_await as_result(unstarted);
    co_await a.write_all("first");
    std::string const got = co_await read_once(b);
    REQUIRE(got == "first");
}

GREEN_TEST("tls: a second reader or writer is an error, one of each is not", "[tls]") {
    auto [a, b] = co_await tls_ends(4096);
    std::string got;
    auto reading = spawn(keep(read_once(a), got));
    std::string const message = pattern(4 << 20);
    auto writing = spawn(a.write_all(message));
    co_await settle();
    std::string error = co_await error_of_wait<std::logic_error>(a.read());
    REQUIRE(error == "green: tls read from localhost: another task is at it");
    error = co_await error_of_wait<std::logic_error>(a.write_all("x"));
    REQUIRE(error == "green: tls write to localhost: another task is at it");
    co_await b.write_all("through");
    co_await reading;
    REQUIRE(got == "through");
    writing.cancel();
    co_await as_result(writing);
}

GREEN_TEST("tls: closing wakes who waits, and says goodbye", "[tls]") {
    auto [a, b] = co_await tls_ends();
    auto const reading = spawn(error_of_task(a.read()));
    co_await settle();
    co_await a.close();
    std::string error = co_await reading;
    REQUIRE(error.ends_with("closed meanwhile"));
    error = co_await error_of_wait<closed_error>(a.read());
    REQUIRE(error == "tls read from localhost: it is closed");
    error = co_await error_of_wait<closed_error>(a.write_all("x"));
    REQUIRE(error == "tls write to localhost: it is closed");
    co_await a.close();
    std::string const rest = co_await read_all(b);
    REQUIRE(rest.empty());
}

GREEN_TEST("tls: a stream that moves and goes while somebody waits for it", "[tls]") {
    auto [a, b] = co_await tls_ends();
    auto first = std::make_unique<secure_stream>(std::move(a));
    auto const reading = spawn(error_of_task(first->read()));
    co_await settle();
    std::optional<secure_stream> second(std::move(*first));
    first.reset();
    co_await b.write_all("moved");
    std::string error = co_await reading;
    REQUIRE(error == "no error");
    auto const orphan = spawn(error_of_task(second->read()));
    co_await settle();
    second.reset();
    error = co_await orphan;
    REQUIRE(error.ends_with("closed meanwhile"));
}

GREEN_TEST("tls: a peer that asks for new keys without end gets no memory for it", "[tls]") {
    auto [near, far] = unix_stream::pair();
    auto accepting = spawn(tls_stream<unix_stream>::accept(std::move(near), shared_server()));
    raw_client peer(std::move(far));
    co_await peer.shake_hands();
    auto s = co_await std::move(accepting);
    auto const reading = spawn(error_of_task(s.read()));
    for (int i = 0; i < 100 && !reading.done(); ++i) {
        co_await peer.ask_for_new_keys(100);
        co_await settle();
    }
    s.transport().close();
    std::string const error = co_await reading;
    REQUIRE(error == "tls read from a client: the peer asks for new keys again and again");
}

GREEN_TEST("tls: an end of the run while tasks wait", "[tls]") {
    auto pair = co_await tls_ends(4096);
    auto const shared = std::make_shared<ends<secure_stream>>(std::move(pair));
    auto const read = [](std::shared_ptr<ends<secure_stream>> s) -> task<> {
        co_await s->a.read();
    };
    auto const write = [](std::shared_ptr<ends<secure_stream>> s) -> task<> {
        std::string const message = pattern(4 << 20);
        co_await s->a.write_all(message);
    };
    spawn(read, shared);
    spawn(write, shared);
    co_await settle();
}

GREEN_TEST("tls: a connection that is cut is not one that has ended", "[tls]") {
    auto cut = co_await tls_ends();
    co_await cut.b.write_all("half");
    { secure_stream const gone = std::move(cut.b); }
    std::string const half = co_await read_once(cut.a);
    REQUIRE(half == "half");
    for (int i = 0; i < 2; ++i) {
        std::string const error = co_await error_of_wait<tls_error>(cut.a.read());
        REQUIRE(error == "tls read from localhost: the connection ended without close_notify");
    }
    auto reset = co_await tls_ends();
    reset.b.transport().reset();
    std::string const error = co_await error_of_wait<disconnected_error>(reset.a.read());
    REQUIRE(error.ends_with("Connection reset by peer"));
}

GREEN_TEST("tls: a server that is refused is told why, and goes on", "[tls]") {
    auto below = co_await tcp_ends();
    std::string const peer = below.a.local_address().to_string();
    auto const accepting =
        spawn(error_of_task(secure_stream::accept(std::move(below.b), shared_server())));
    std::string const ours = co_await error_of_task(
        secure_stream::connect(std::move(below.a), "example.test", shared_client())
    );
    REQUIRE(ours.starts_with("tls handshake with example.test: the certificate of localhost is not "
    ));
    std::string const theirs = co_await accepting;
    REQUIRE(theirs == "tls handshake with " + peer + ": the peer refused: bad certificate");
    auto [a, b] = co_await tls_ends();
    co_await a.write_all("x");
    std::string const got = co_await read_once(b);
    REQUIRE(got == "x");
}

GREEN_TEST("tls: a handshake with somebody silent ends with its limit of time", "[tls]") {
    auto below = co_await tcp_ends();
    std::string const error = co_await error_of_wait<timeout_error>(
        with_timeout(10s, secure_stream::accept(std::move(below.b), shared_server()))
    );
    REQUIRE(error == "with_timeout: not done after 10000 ms");
    std::string const end = co_await read_once(below.a);
    REQUIRE(end.empty());
    REQUIRE(elapsed() == 10s);
}

GREEN_TEST("serve counts peers that fail at TLS, and does not fail itself", "[tls][serve]") {
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    auto const handler = [](tcp_stream peer) -> task<> {
        auto s = co_await secure_stream::accept(std::move(peer), shared_server());
        co_await read_all(s);
    };
    auto const serving = spawn(serve(listener, handler));
    address const where = listener.local_address();

    tcp_stream plain = co_await tcp_stream::connect(where);
    co_await plain.write_all("GET / HTTP/1.0\r\n\r\n");
    co_await as_result(read_all(plain));
    {
        tcp_stream below = co_await tcp_stream::connect(where);
        auto cut = co_await secure_stream::connect(std::move(below), "localhost", shared_client());
        co_await cut.write_all("half a");
    }
    listener.close();
    serve_report const report = co_await serving;
    REQUIRE(report.disconnected == 2);
    REQUIRE(report.failed == 0);
}
