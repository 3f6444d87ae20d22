// The commands that speak plain TCP and unix streams.

#include "net_peers/peer.hpp"

#include <green/loop/run.hpp>
#include <green/loop/run_main.hpp>
#include <green/net/serve.hpp>
#include <green/net/tcp_listener.hpp>
#include <green/net/tcp_stream.hpp>
#include <green/net/unix_listener.hpp>
#include <green/net/unix_stream.hpp>
#include <green/tasks/when_all.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace green_peer {
namespace {

using namespace green;
using namespace std::chrono_literals;

/// Tells the end of the peer, too.
template <class Stream>
task<> echo(Stream peer) {
    for (;;) {
        chunk const data = co_await peer.read();
        if (data.empty()) co_return;
        say("read: " + std::string(data.view().substr(0, data.view().find('\n'))));
        co_await peer.write_all(data.view());
    }
}

void say_report(const serve_report& r) {
    say("served: " + std::to_string(r.served) + ", cancelled: " + std::to_string(r.cancelled));
}

tcp_listener listen() {
    tcp_listener l = tcp_listener::bind("127.0.0.1", 0);
    say("port: " + std::to_string(l.local_address().port()));
    return l;
}

/// Until SIGTERM, and then for as long as a connection takes.
task<> serve_echo() {
    tcp_listener l = listen();
    say_report(co_await serve(l, echo<tcp_stream>, {.grace_on_cancel = 30s}));
}

task<> serve_unix_echo(const options& o) {
    unix_listener l = unix_listener::bind(address::parse(o["path"]));
    say("listening");
    co_await serve(l, echo<unix_stream>);
}

template <class From, class To>
task<> copy(From& from, To& to) {
    for (;;) {
        chunk const data = co_await from.read();
        if (data.empty()) break;
        co_await to.write_all(data.view());
    }
    co_await to.shutdown_write();
}

/// What comes is passed on to another port of localhost.
task<> serve_proxy(const options& o) {
    tcp_listener l = listen();
    std::uint16_t const target = o.port();
    auto const handler = [target](tcp_stream client) -> task<> {
        tcp_stream server = co_await tcp_stream::connect("localhost", target, {.timeout = 30s});
        co_await when_all(copy(client, server), copy(server, client));
    };
    co_await serve(l, handler);
}

/// Says `text`, and tells what comes back until the end.
template <class Stream>
task<> talk(Stream s, const options& o) {
    co_await s.write_all(o["text"] + "\n");
    co_await s.shutdown_write();
    std::string all;
    for (;;) {
        chunk const data = co_await s.read();
        if (data.empty()) break;
        all += data.view();
    }
    say("answer: " + all);
}

task<> talk_to_port(const options& o) {
    tcp_stream s = co_await tcp_stream::connect(o.get("host", "localhost"), o.port());
    co_await talk(std::move(s), o);
}

task<> talk_to_path(const options& o) {
    unix_stream s = co_await unix_stream::connect(address::parse(o["path"]));
    co_await talk(std::move(s), o);
}

const command echo_server("echo_server", [](const options&) {
    static char name[] = "peer";
    char* argv[] = {name, nullptr};
    run_main(serve_echo, 1, argv);
});
const command unix_echo_server("unix_echo_server", [](const options& o) {
    run(serve_unix_echo(o));
});
const command proxy("proxy", [](const options& o) { run(serve_proxy(o)); });
const command tcp_client("tcp_client", [](const options& o) { run(talk_to_port(o)); });
const command unix_client("unix_client", [](const options& o) { run(talk_to_path(o)); });

}  // namespace
}  // namespace green_peer
