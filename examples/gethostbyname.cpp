// Three names at once, five seconds for all of them: gevent's best-known program.
//
//     import gevent
//     from gevent import socket
//     hosts = ['www.crappytaxidermy.com', 'www.walterpottertaxidermy.com', 'www.antique-taxidermy.com']
//     jobs = [gevent.spawn(socket.gethostbyname, host) for host in hosts]
//     gevent.joinall(jobs, timeout=5)
//     for job in jobs:
//         print(job.value)
//
// With `monkey.patch_all()` and the standard library's `socket.gethostbyname` it is the same program and
// prints the same; here there is nothing to patch, for what waits says so: `co_await`.
//
// It needs no network: a DNS server in this process gives the answers, the last one too late. The
// clock is virtual, so the five seconds pass at once.

#include <green/green.hpp>
#include <green/testing/dns_server.hpp>

#include <cstdio>
#include <string>
#include <vector>

using namespace std::chrono_literals;

green::task<> compare_hosts() {
    green::testing::dns_server server;
    server.answer("www.crappytaxidermy.com", {"66.6.44.4"}, {.delay = 40ms});
    server.answer("www.walterpottertaxidermy.com", {"144.217.51.126"}, {.delay = 90ms});
    server.answer("www.antique-taxidermy.com", {"192.0.2.1"}, {.delay = 6s});
    green::resolver_config config = green::testing::only(server);
    config.timeout = 10s;
    green::set_default_resolver(green::resolver(config));

    const char* const hosts[] = {
        "www.crappytaxidermy.com", "www.walterpottertaxidermy.com", "www.antique-taxidermy.com"
    };
    std::vector<green::join_handle<std::string>> jobs;
    for (const char* host : hosts) jobs.push_back(green::spawn(green::gethostbyname(host)));
    co_await green::joinall(jobs, 5s);
    for (auto& job : jobs) std::printf("%s\n", job.value().value_or("None").c_str());
}

int main() { green::run(compare_hosts(), {.virtual_time = true}); }
