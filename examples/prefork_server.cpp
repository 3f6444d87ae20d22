// A server with several loops, in the manner of a preforking one: they listen on one port, and the kernel spreads the
// connections over them. Each loop counts its own visitors, without a lock: what belongs to a loop is touched by nobody
// else.
//
//     prefork_server          two loops, and forty visitors
//     prefork_server 8080     a loop for each core, until Ctrl-C; then ten seconds for those who are being served

#include <green/green.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

/// The handler of one loop: it is kept as long as the loop serves, so its counter goes on from visitor to visitor.
class counting {
public:
    explicit counting(int loop) : loop_(loop) {}

    green::task<> operator()(green::tcp_stream peer) {
        int const number = ++visitors_;
        co_await peer.write_all(
            "loop " + std::to_string(loop_) + ", visitor " + std::to_string(number) + "\n"
        );
    }

private:
    int loop_;
    int visitors_ = 0;
};

/// Makes a handler for each loop, on that loop.
class maker {
public:
    explicit maker(std::atomic<int>& loops) : loops_(loops) {}
    counting operator()() { return counting(++loops_); }

private:
    std::atomic<int>& loops_;
};

green::task<> visit(green::address server, std::size_t times) {
    std::vector<int> visitors(3);
    for (std::size_t i = 0; i < times; ++i) {
        green::tcp_stream s = co_await green::tcp_stream::connect(server);
        std::string const line = co_await s.read_until("\n", 100);
        ++visitors.at(static_cast<std::size_t>(line.at(5) - '0'));
    }
    std::printf("%d visitors at loop 1, %d at loop 2\n", visitors[1], visitors[2]);
}

green::task<> demonstration() {
    green::tcp_listener first = green::tcp_listener::bind("127.0.0.1", 0, {.reuse_port = true});
    std::atomic<int> loops = 0;
    auto const serving = green::spawn(green::serve_on_all_cores(first, maker(loops), {.loops = 2}));
    while (loops < 2) co_await green::sleep_for(1ms);
    co_await visit(first.local_address(), 40);
    first.close();
    green::serve_report const report = co_await serving;
    std::printf("%zu served\n", report.served);
}

green::task<> prefork_server(std::uint16_t port) {
    green::tcp_listener first = green::tcp_listener::bind("::", port, {.reuse_port = true});
    std::atomic<int> loops = 0;
    green::serve_report const report = co_await green::serve_on_all_cores(
        first, maker(loops), {.serve = {.grace_on_cancel = 10s}}
    );
    std::printf("%zu served\n", report.served);
}

green::task<> amain(int argc, char** argv) {
    if (argc > 1) return prefork_server(static_cast<std::uint16_t>(std::stoi(argv[1])));
    return demonstration();
}

}  // namespace

int main(int argc, char** argv) { return green::run_main(amain, argc, argv); }
