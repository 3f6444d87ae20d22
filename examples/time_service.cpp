// A time service over UDP, and a client: whoever sends a datagram gets the date and the time (the Daytime protocol,
// RFC 867).
//
//     time_service          both, on a free port of this machine
//     time_service 1313     the service alone, until Ctrl-C: `echo | nc -u -w1 localhost 1313` asks it
//
// A datagram may be lost, so the client asks again when no answer has come in time. Here the first one is.

#include <green/green.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;

std::string date_and_time() {
    std::time_t const now = std::time(nullptr);
    char text[64];
    std::size_t const size =
        std::strftime(text, sizeof text, "%A, %d %B %Y, %H:%M:%S UTC", std::gmtime(&now));
    return {text, size};
}

/// Leaves the first `lost` questions unanswered, as a bad network would.
green::task<> serve_time(green::udp_socket& socket, int lost) {
    for (;;) {
        green::datagram const question = co_await socket.receive();
        if (lost-- > 0) continue;
        co_await socket.send_to(date_and_time(), question.from);
    }
}

green::task<std::string> ask_time(green::address server) {
    green::udp_socket socket = green::udp_socket::connect(server);
    for (int tries = 1; tries <= 3; ++tries) {
        co_await socket.send("what time is it?");
        auto const answer = co_await green::move_on_after(200ms, socket.receive());
        if (answer) co_return std::string(answer->view());
        std::printf("no answer, asking again\n");
    }
    throw green::timeout_error("nobody tells the time");
}

green::task<> demonstration() {
    green::udp_socket socket = green::udp_socket::bind("127.0.0.1", 0);
    auto service = green::spawn(serve_time(socket, 1));
    std::string const time = co_await ask_time(socket.local_address());
    std::printf("it is %s\n", time.c_str());
    service.cancel();
}

green::task<> time_service(std::uint16_t port) {
    green::udp_socket socket = green::udp_socket::bind("::", port);
    co_await serve_time(socket, 0);
}

green::task<> amain(int argc, char** argv) {
    if (argc > 1) return time_service(static_cast<std::uint16_t>(std::stoi(argv[1])));
    return demonstration();
}

}  // namespace

int main(int argc, char** argv) { return green::run_main(amain, argc, argv); }
