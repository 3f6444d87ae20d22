// An echo server, and clients that talk to it.
//
//     echo_server          both, on a free port of this machine
//     echo_server 7000     the server alone, until Ctrl-C: `nc localhost 7000` talks to it
//
// A connection is a task, so what it does next is the next line. While the peer does not take its answers `write_all`
// waits, and so does the reading.

#include <green/green.hpp>

#include <cstdint>
#include <cstdio>
#include <string>

namespace {

green::task<> echo(green::tcp_stream peer) {
    for (;;) {
        green::chunk const data = co_await peer.read();
        if (data.empty()) co_return;  // the peer has said all
        co_await peer.write_all(data.view());
    }
}

green::task<> say(std::uint16_t port, std::string text) {
    green::tcp_stream server = co_await green::tcp_stream::connect("localhost", port);
    co_await server.write_all(text + "\n");
    std::string const answer = co_await server.read_until("\n", 1000);
    std::printf("%s", answer.c_str());
}

green::task<> demonstration() {
    green::tcp_listener listener = green::tcp_listener::bind("127.0.0.1", 0);
    auto const serving = green::spawn(green::serve(listener, echo));
    for (const char* text : {"hello", "is there anybody?", "it seems so"})
        co_await say(listener.local_address().port(), text);
    listener.close();
    green::serve_report const report = co_await serving;
    std::printf("%zu connections served\n", report.served);
}

green::task<> echo_server(std::uint16_t port) {
    green::tcp_listener listener = green::tcp_listener::bind("::", port);
    std::printf("listening on %s\n", listener.local_address().to_string().c_str());
    co_await green::serve(listener, echo, {.max_connections = 10'000});
}

green::task<> amain(int argc, char** argv) {
    if (argc > 1) return echo_server(static_cast<std::uint16_t>(std::stoi(argv[1])));
    return demonstration();
}

}  // namespace

int main(int argc, char** argv) { return green::run_main(amain, argc, argv); }
