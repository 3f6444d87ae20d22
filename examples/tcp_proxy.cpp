// A TCP proxy: what comes in on one port goes to another server, and its answers come back.
//
//     tcp_proxy                      with a server and a client of its own
//     tcp_proxy 8080 HOST PORT       serves port 8080 by HOST, until Ctrl-C
//
// A connection is two loops, one for each direction, and each ends by passing on that its side has said all. If one
// fails the group ends the other.

#include <green/green.hpp>

#include <cctype>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;

green::task<> copy(green::tcp_stream& from, green::tcp_stream& to) {
    for (;;) {
        green::chunk const data = co_await from.read();
        if (data.empty()) break;
        co_await to.write_all(data.view());
    }
    co_await to.shutdown_write();
}

struct target {
    std::string host;
    std::uint16_t port;
};

green::task<> forward(green::tcp_stream client, const target& t) {
    green::tcp_stream server =
        co_await green::tcp_stream::connect(t.host, t.port, {.timeout = 10s});
    co_await green::when_all(copy(client, server), copy(server, client));
}

green::task<green::serve_report> proxy(green::tcp_listener& listener, target t) {
    auto const handler = [&](green::tcp_stream client) { return forward(std::move(client), t); };
    co_return co_await green::serve(listener, handler);
}

// --- the demonstration

green::task<> shout(green::tcp_stream peer) {
    for (;;) {
        green::chunk const data = co_await peer.read();
        if (data.empty()) co_return;
        std::string text(data.view());
        for (char& c : text) c = static_cast<char>(std::toupper(c));
        co_await peer.write_all(text);
    }
}

green::task<std::string> ask(green::address server, std::string question) {
    green::tcp_stream s = co_await green::tcp_stream::connect(std::move(server));
    co_await s.write_all(question);
    co_await s.shutdown_write();
    std::string answer;
    for (;;) {
        green::chunk const data = co_await s.read();
        if (data.empty()) co_return answer;
        answer += data.view();
    }
}

green::task<> demonstration() {
    green::tcp_listener server = green::tcp_listener::bind("127.0.0.1", 0);
    green::tcp_listener front = green::tcp_listener::bind("127.0.0.1", 0);
    auto serving = green::spawn(green::serve(server, shout));
    auto const proxying =
        green::spawn(proxy(front, target{"localhost", server.local_address().port()}));
    for (const char* question : {"is anybody there?", "a proxy, you say?"}) {
        std::string const answer = co_await ask(front.local_address(), question);
        std::printf("%s\n", answer.c_str());
    }
    front.close();
    green::serve_report const report = co_await proxying;
    std::printf("%zu connections through the proxy\n", report.served);
    serving.cancel();
}

green::task<> tcp_proxy(std::uint16_t port, target t) {
    green::tcp_listener listener = green::tcp_listener::bind("::", port);
    co_await proxy(listener, std::move(t));
}

green::task<> amain(int argc, char** argv) {
    auto const port = [&](int i) { return static_cast<std::uint16_t>(std::stoi(argv[i])); };
    if (argc > 3) return tcp_proxy(port(1), target{argv[2], port(3)});
    return demonstration();
}

}  // namespace

int main(int argc, char** argv) { return green::run_main(amain, argc, argv); }
