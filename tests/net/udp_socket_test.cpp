#include <green/net/udp_socket.hpp>

#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/sync/event.hpp>
#include <green/tasks/as_result.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace green;
using namespace std::chrono_literals;
using green_test::elapsed;

namespace {

udp_socket on_loopback(const udp_options& options = {}) {
    return udp_socket::bind("127.0.0.1", 0, options);
}

using memory = std::array<std::byte, 64>;

std::string text(const memory& m, const udp_received& r) {
    return {reinterpret_cast<const char*>(m.data()), r.size};
}

/// What one datagram says; "" for an empty one.
task<std::string> heard(udp_socket& s) {
    datagram const d = co_await s.receive();
    co_return std::string(d.view());
}

/// How an operation fails: the text of the error.
template <class F>
std::string error_of(F f) {
    try {
        f();
    } catch (const std::exception& e) {
        return e.what();
    }
    return "no error";
}

task<std::string> receive_error(udp_socket& s) {
    try {
        co_await s.receive();
    } catch (const std::exception& e) {
        co_return e.what();
    }
    co_return "no error";
}

task<> destroy(std::optional<udp_socket>& s) {
    s.reset();
    co_return;
}

}  // namespace

GREEN_TEST("udp: what is sent arrives whole, with its sender", "[udp]") {
    udp_socket a = on_loopback();
    udp_socket b = on_loopback();
    co_await a.send_to("hello", b.local_address());
    memory m;
    udp_received const r = co_await b.receive_from(m);
    REQUIRE(text(m, r) == "hello");
    REQUIRE(r.from == a.local_address());
    REQUIRE_FALSE(r.truncated);
}

GREEN_TEST("udp: a receiver waits for what comes later", "[udp]") {
    udp_socket a = on_loopback();
    udp_socket b = on_loopback();
    auto const receiver = spawn(heard(b));
    co_await sleep_for(5ms);
    REQUIRE_FALSE(receiver.done());
    co_await a.send_to("late", b.local_address());
    std::string const said = co_await receiver;
    REQUIRE(said == "late");
}

GREEN_TEST("udp: a receiver that is cancelled takes nothing", "[udp]") {
    udp_socket a = on_loopback();
    udp_socket b = on_loopback();
    auto const early = co_await move_on_after(10ms, b.receive());
    REQUIRE_FALSE(early.has_value());
    auto waiting = spawn(heard(b));
    auto unstarted = spawn(heard(b));
    unstarted.cancel();
    co_await yield();
    waiting.cancel();
    co_await a.send_to("still there", b.local_address());
    std::string const said = co_await heard(b);
    REQUIRE(said == "still there");
    co_await as_result(waiting);
    co_await as_result(unstarted);
    REQUIRE(waiting.cancelled());
    REQUIRE(unstarted.cancelled());
    std::vector<udp_received> received;
    memory m;
    auto batch = spawn(b.receive_batch(m, m.size(), received));
    co_await yield();
    batch.cancel();
    co_await a.send_to("for nobody yet", b.local_address());
    co_await batch.join();
    REQUIRE(batch.cancelled());
    REQUIRE(received.empty());
    std::string const kept = co_await heard(b);
    REQUIRE(kept == "for nobody yet");
}

GREEN_TEST("udp: a datagram and a cancel in one turn: the datagram wins", "[udp]") {
    udp_socket a = on_loopback();
    udp_socket first = on_loopback();
    udp_socket second = on_loopback();
    std::string got;
    auto const keep = [&]() -> task<> {
        std::string const said = co_await heard(second);
        got = said;
    };
    auto keeper = spawn(keep);
    auto const cancel_other = [&]() -> task<> {
        co_await heard(first);
        keeper.cancel();
    };
    auto const canceller = spawn(cancel_other);
    co_await yield();
    // Both arrive before libuv looks, so both tasks are ready when the first of them runs.
    co_await a.send_to("one", first.local_address());
    co_await a.send_to("two", second.local_address());
    co_await canceller;
    co_await as_result(keeper);
    REQUIRE(got == "two");
}

GREEN_TEST("udp: an end of the run while a task waits", "[udp]") {
    udp_socket b = on_loopback();
    auto s = std::make_shared<udp_socket>(std::move(b));
    auto const wait = [](std::shared_ptr<udp_socket> socket) -> task<> {
        co_await socket->receive();
    };
    spawn(wait, s);
    co_await yield();
}

TEST_CASE("udp: a socket may outlive its loop", "[udp]") {
    auto const open = []() -> task<udp_socket> { co_return on_loopback(); };
    udp_socket s = run(open);
    REQUIRE_FALSE(s.is_open());
    REQUIRE(error_of([&] { s.local_address(); }) == "address of udp: Bad file descriptor");
    s.close();
}

GREEN_TEST("udp: closing wakes the receiver", "[udp]") {
    udp_socket b = on_loopback();
    std::string const name = b.local_address().to_string();
    auto const receiver = spawn(receive_error(b));
    co_await yield();
    b.close();
    std::string const error = co_await receiver;
    REQUIRE(error == "receive udp " + name + ": closed meanwhile");
    std::string const after = co_await receive_error(b);
    REQUIRE(after == "receive: it is closed");
    REQUIRE(elapsed() == 0ms);
}

GREEN_TEST("udp: a socket that is moved or destroyed while it is waited for", "[udp]") {
    udp_socket a = on_loopback();
    auto b = std::make_unique<udp_socket>(on_loopback());
    auto const receiver = spawn(heard(*b));
    co_await yield();
    udp_socket moved = std::move(*b);
    b.reset();
    co_await a.send_to("moved", moved.local_address());
    std::string const said = co_await receiver;
    REQUIRE(said == "moved");

    auto const orphan = spawn(receive_error(moved));
    co_await yield();
    { udp_socket const gone = std::move(moved); }
    std::string const error = co_await orphan;
    REQUIRE(error.ends_with("closed meanwhile"));
}

GREEN_TEST("udp: a second receiver is an error, a sender beside one is not", "[udp]") {
    udp_socket b = on_loopback();
    auto const receiver = spawn(heard(b));
    co_await yield();
    std::string const error = co_await receive_error(b);
    REQUIRE(
        error ==
        "green: receive udp " + b.local_address().to_string() + ": another task waits for the same"
    );
    co_await b.send_to("to itself", b.local_address());
    std::string const said = co_await receiver;
    REQUIRE(said == "to itself");
}

GREEN_TEST("udp: what does not fit is cut off, and said to be", "[udp]") {
    udp_socket a = on_loopback();
    udp_socket b = on_loopback();
    co_await a.send_to(std::string(100, 'x'), b.local_address());
    co_await a.send_to("", b.local_address());
    memory m;
    udp_received const first = co_await b.receive_from(m);
    REQUIRE(first.size == m.size());
    REQUIRE(first.truncated);
    udp_received const second = co_await b.receive_from(m);
    REQUIRE(second.size == 0);
    REQUIRE_FALSE(second.truncated);
    std::string const large(udp_socket::largest_datagram, 'y');
    co_await a.send_to(large, b.local_address());
    std::string const said = co_await heard(b);
    REQUIRE(said == large);
}

GREEN_TEST("udp: a connected socket takes from its peer only, and hears that it is gone", "[udp]") {
    udp_socket server = on_loopback();
    udp_socket client = udp_socket::connect(server.local_address());
    udp_socket stranger = on_loopback();
    REQUIRE(client.remote_address() == server.local_address());
    co_await stranger.send_to("forged", client.local_address());
    co_await client.send("question");
    datagram const question = co_await server.receive();
    co_await server.send_to("answer", question.from);
    std::string const said = co_await heard(client);
    REQUIRE(said == "answer");

    std::string const name = client.local_address().to_string();
    server.close();
    co_await client.send("anyone there?");
    std::string const error = co_await receive_error(client);
    REQUIRE(error == "receive udp " + name + ": Connection refused");
}

GREEN_TEST("udp: what cannot be sent or bound is an error that names it", "[udp]") {
    udp_socket a = on_loopback();
    std::string const name = a.local_address().to_string();
    std::string const taken = error_of([&] { udp_socket::bind(a.local_address()); });
    REQUIRE(taken == "bind udp " + name + ": Address already in use");
    std::string error;
    try {
        co_await a.send_to(std::string(70'000, 'x'), address::parse("127.0.0.1:9"));
    } catch (const std::system_error& e) {
        error = e.what();
        REQUIRE(e.code().value() == EMSGSIZE);
    }
    REQUIRE(error == "send udp " + name + " to 127.0.0.1:9: Message too long");
    REQUIRE(error_of([] {
                udp_socket::bind(address::parse("/run/x"));
            }) == "open udp /run/x: Address family not supported by protocol");
    REQUIRE(error_of([&] { a.remote_address(); }).starts_with("getpeername"));
}

GREEN_TEST("udp: a failure is told although the socket has gone meanwhile", "[udp]") {
    // A task that has used up its steps queues with what it has: here behind the one that destroys.
    std::string const too_large(70'000, 'x');
    address const to = address::parse("127.0.0.1", 9);
    event set;
    set.set();
    bool went_meanwhile = false;
    for (int steps = 250; steps < 260; ++steps) {
        std::optional<udp_socket> s(on_loopback());
        co_await yield();
        auto destroyer = spawn(destroy, std::ref(s));
        for (int i = 0; i < steps; ++i) co_await set.wait();
        if (!s) break;
        std::string failure;
        try {
            co_await s->send_to(too_large, to);
        } catch (const std::system_error& e) {
            failure = e.what();
        }
        if (!s) went_meanwhile = true;
        REQUIRE(failure.ends_with(" to 127.0.0.1:9: Message too long"));
        co_await destroyer.join();
    }
    REQUIRE(went_meanwhile);
}

GREEN_TEST("udp: many datagrams with one call each way", "[udp]") {
    udp_socket a = on_loopback();
    udp_socket b = on_loopback();
    address const to = b.local_address();
    std::vector<std::string> texts;
    std::vector<udp_socket::outgoing> out;
    for (int i = 0; i < 150; ++i) texts.push_back("number " + std::to_string(i));
    for (const std::string& t : texts) out.push_back({std::as_bytes(std::span(t)), &to});
    co_await a.send_batch(out);

    std::vector<std::byte> room(100 * 16);
    std::vector<udp_received> in;
    std::vector<std::string> got;
    while (got.size() < texts.size()) {
        std::size_t const n = co_await b.receive_batch(room, 16, in);
        for (std::size_t i = 0; i < n; ++i) {
            got.emplace_back(reinterpret_cast<const char*>(room.data() + i * 16), in[i].size);
            REQUIRE(in[i].from == a.local_address());
        }
    }
    REQUIRE(got == texts);
    REQUIRE_THROWS_AS(b.receive_batch(room, 0, in), std::invalid_argument);

    std::string const oversized(70'000, 'x');
    out.resize(2);
    out.push_back({std::as_bytes(std::span(oversized)), &to});
    std::string error;
    try {
        co_await a.send_batch(out);
    } catch (const std::system_error& e) {
        error = e.what();
    }
    REQUIRE(
        error ==
        "send udp " + a.local_address().to_string() + ", after 2 of 3 datagrams: Message too long"
    );
}

GREEN_TEST("udp: more than the sender's buffer arrives whole, and once", "[udp]") {
    udp_socket a = on_loopback({.send_buffer = 4096});
    udp_socket b = on_loopback({.receive_buffer = 1 << 20});
    for (int i = 0; i < 20; ++i) co_await a.send_to(std::string(1000, 'z'), b.local_address());
    for (int i = 0; i < 20; ++i) {
        std::string const said = co_await heard(b);
        REQUIRE(said.size() == 1000);
    }
}

GREEN_TEST("udp: IPv6, and IPv4 on a socket of both", "[udp]") {
    udp_socket both = udp_socket::bind("::", 0);
    udp_socket v4 = on_loopback();
    co_await v4.send_to("four", address::parse("127.0.0.1", both.local_address().port()));
    datagram const d = co_await both.receive();
    REQUIRE(d.view() == "four");
    REQUIRE(d.from.ip() == "::ffff:127.0.0.1");
    co_await both.send_to("back", d.from);
    std::string const said = co_await heard(v4);
    REQUIRE(said == "back");
}

GREEN_TEST("udp: a group of multicast, joined and left", "[udp]") {
    udp_socket member = udp_socket::bind("0.0.0.0", 0, {.reuse_address = true});
    udp_socket sender = on_loopback();
    address const group = address::parse("239.255.42.42", member.local_address().port());
    member.join_group(group, 1);  // the loopback interface
    sender.set_multicast_interface(1);
    sender.set_multicast_hops(0);
    sender.set_multicast_loopback(true);
    co_await sender.send_to("to all", group);
    std::string const said = co_await heard(member);
    REQUIRE(said == "to all");
    member.leave_group(group, 1);
    REQUIRE(
        error_of([&] { member.leave_group(group, 1); }) ==
        "leave a group with udp " + group.to_string() + ": Cannot assign requested address"
    );
}

GREEN_TEST("udp: two echo tasks and a thousand datagrams", "[udp]") {
    udp_socket server = on_loopback();
    auto const echo = [&]() -> task<> {
        memory m;
        for (;;) {
            udp_received const r = co_await server.receive_from(m);
            co_await server.send_to(std::span(m).first(r.size), r.from);
        }
    };
    auto echoing = spawn(echo);
    udp_socket client = udp_socket::connect(server.local_address());
    for (int i = 0; i < 1000; ++i) {
        std::string const sent = std::to_string(i);
        co_await client.send(sent);
        std::string const said = co_await heard(client);
        REQUIRE(said == sent);
    }
    echoing.cancel();
}
