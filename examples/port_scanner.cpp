// Which ports of a host are open? Some hundred connects at a time, and no port gets more than a second.
//
//     port_scanner                    a range of this machine in which three are open
//     port_scanner HOST FIRST LAST    for hosts that are yours

#include <green/green.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <string>
#include <system_error>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t at_a_time = 200;

/// The port if somebody listens there, otherwise 0.
green::task<std::uint16_t> probe(std::string host, std::uint16_t port) {
    try {
        co_await green::tcp_stream::connect(host, port, {.timeout = 1s});
        co_return port;
    } catch (const std::system_error&) {  // refused, or unreachable
    } catch (const green::timeout_error&) {  // behind a firewall that says nothing
    }
    co_return 0;
}

green::task<> scan(std::string host, std::uint16_t first, std::uint16_t last) {
    std::vector<std::uint16_t> ports(last - first + std::size_t{1});
    std::iota(ports.begin(), ports.end(), first);
    auto const probe_port = [&](std::uint16_t port) { return probe(host, port); };
    green::task_pool pool(at_a_time);
    std::vector<std::uint16_t> const open = co_await pool.map(probe_port, ports);

    std::printf("open ports of %s among %zu:", host.c_str(), ports.size());
    for (std::uint16_t const port : open) {
        if (port != 0) std::printf(" %u", unsigned{port});
    }
    std::printf("\n");
}

green::task<> demonstration() {
    std::vector<green::tcp_listener> open;
    open.reserve(3);
    for (int i = 0; i < 3; ++i) open.push_back(green::tcp_listener::bind("127.0.0.5", 0));
    std::uint16_t first = 65'535 - 500;
    std::uint16_t last = 0;
    for (const green::tcp_listener& l : open) {
        first = std::min(first, l.local_address().port());
        last = std::max(last, l.local_address().port());
    }
    co_await scan("127.0.0.5", first, last);
}

green::task<> amain(int argc, char** argv) {
    if (argc < 4) return demonstration();
    auto const port = [&](int i) { return static_cast<std::uint16_t>(std::stoi(argv[i])); };
    return scan(argv[1], port(2), port(3));
}

}  // namespace

int main(int argc, char** argv) { return green::run_main(amain, argc, argv); }
