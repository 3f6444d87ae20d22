// Ten thousand names, all started at once: a task for each, and one time limit.
//
// The resolver has no more questions at the server than it can take, and lets the others wait in
// line: no answer is lost. Nine names in ten have an address; the tenth does not exist; a few get no
// answer at all and end at the limit. The names are served by a DNS server in this process, each
// answer 10 ms late, and the clock is virtual: the two seconds pass at once.

#include <green/green.hpp>
#include <green/testing/dns_server.hpp>

#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr int count = 10'000;

std::string host_name(int i) {
    const char* const zone = i % 2500 == 1 ? "silent" : i % 10 == 0 ? "gone" : "up";
    return "host" + std::to_string(i) + "." + zone + ".example.test";
}

/// "resolved", or why not.
green::task<std::string> outcome_of(std::string host) {
    try {
        co_await green::getaddrinfo(std::move(host), 443, {.family = 4, .timeout = 2s});
    } catch (const green::dns_error& e) {
        co_return std::string(to_string(e.code()));
    }
    co_return "resolved";
}

green::task<> resolve_all() {
    green::testing::dns_server server;
    server.answer("*.up.example.test", {"192.0.2.1"}, {.delay = 10ms});
    server.not_found("*.gone.example.test", {.delay = 10ms});
    server.silent("*.silent.example.test");
    green::set_default_resolver(green::resolver(green::testing::only(server)));

    auto const start = green::now();
    std::vector<green::join_handle<std::string>> jobs;
    jobs.reserve(count);
    for (int i = 0; i < count; ++i) jobs.push_back(green::spawn(outcome_of(host_name(i))));
    co_await green::joinall(jobs);
    std::chrono::duration<double> const took = green::now() - start;

    std::map<std::string, int> outcomes;
    for (auto& job : jobs) ++outcomes[job.result()];
    std::printf("%d names in %.2f s\n", count, took.count());
    for (auto& [outcome, times] : outcomes) std::printf("%5d %s\n", times, outcome.c_str());
}

}  // namespace

int main() { green::run(resolve_all(), {.virtual_time = true}); }
