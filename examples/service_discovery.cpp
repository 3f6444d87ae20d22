// Where a service runs, by its SRV records: which hosts, at which ports, in which order to try them.
//
//     service_discovery                     a demonstration with a DNS server in this process
//     service_discovery _imaps._tcp.gmail.com
//
// RFC 2782: hosts of the least priority first; among those of one priority at random, in proportion to
// their weights. The addresses of all of them are looked up at once.

#include <green/green.hpp>
#include <green/testing/dns_server.hpp>

#include <cstdio>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

/// A host that offers the service.
struct endpoint {
    green::srv service;
    std::vector<green::address> addresses;
    std::string problem;  // why it has none
};

green::task<endpoint> locate(green::srv service) {
    endpoint found{service, {}, {}};
    try {
        found.addresses = co_await green::getaddrinfo(service.target, service.port);
    } catch (const green::dns_error& e) {
        found.problem = to_string(e.code());
    }
    co_return found;
}

green::task<std::vector<endpoint>> discover(std::string service) {
    auto records = co_await green::default_resolver().query<green::srv>(service);
    std::vector<green::task<endpoint>> lookups;
    for (green::srv& r : green::in_weighted_order(std::move(records))) {
        lookups.push_back(locate(std::move(r)));
    }
    co_return co_await green::when_all(std::move(lookups));
}

void describe(green::testing::dns_server& server) {
    using green::testing::srv_record;
    server.records(
        "_http._tcp.example.test",
        {srv_record(20, 0, 8080, "backup.example.test"),
         srv_record(10, 60, 80, "large.example.test"), srv_record(10, 20, 80, "small.example.test"),
         srv_record(30, 0, 80, "gone.example.test")},
        {.delay = 5ms}
    );
    server.answer("large.example.test", {"192.0.2.1", "2001:db8::1"}, {.delay = 30ms});
    server.answer("small.example.test", {"192.0.2.2"}, {.delay = 30ms});
    server.answer("backup.example.test", {"198.51.100.7"}, {.delay = 30ms});
}

void print(const endpoint& e) {
    std::printf("%3d %-20s", e.service.priority, e.service.target.c_str());
    for (const green::address& a : e.addresses) std::printf(" %s", a.to_string().c_str());
    std::printf("%s\n", e.problem.empty() ? "" : (" " + e.problem).c_str());
}

green::task<> demonstrate() {
    green::testing::dns_server server;
    describe(server);
    green::set_default_resolver(green::resolver(green::testing::only(server)));
    auto const start = green::now();
    auto const endpoints = co_await discover("_http._tcp.example.test");
    for (const endpoint& e : endpoints) print(e);
    std::printf("%d ms\n", static_cast<int>((green::now() - start) / 1ms));
}

green::task<> discover_here(std::string service) {
    auto const endpoints = co_await discover(std::move(service));
    for (const endpoint& e : endpoints) print(e);
}

}  // namespace

int main(int argc, char** argv) {
    // The virtual clock and a seed: the demonstration is the same each time.
    if (argc == 1) {
        green::run(demonstrate(), {.virtual_time = true, .seed = 1});
        return 0;
    }
    return green::run_main([&] { return discover_here(argv[1]); }, argc, argv);
}
