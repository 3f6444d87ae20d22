// What looking names up costs: a green task per name, all spawned at once, through the resolver with its
// defaults. bench/limit/dns.cpp does the same with c-ares alone, and bench/peers/ with other runtimes.

#include "dns.hpp"

#include "measure.hpp"

#include <green/dns/resolver.hpp>
#include <green/loop/run.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>

#include <chrono>
#include <cstdlib>
#include <limits>
#include <vector>

namespace {

using green::task;

green::resolver_config at_server() {
    green::resolver_config config;
    config.servers = {green::address::parse(bench::dns_server())};
    config.family_delay = std::chrono::seconds(10);  // both families are counted
    return config;
}

struct round {
    std::size_t names;
    int family;  // 4: A only; 0: A and AAAA
    bool use_cache = false;
    std::size_t distinct = 1'000'000;
    const char* zone = "bench.test";
};

task<> look_up(green::resolver& names, std::string name, green::lookup_options options) {
    auto const found = co_await names.resolve(std::move(name), 0, options);
    if (found.size() != (options.family == 0 ? 2U : 1U)) std::abort();
}

/// Nanoseconds from the first spawn to the last answer. `next`: the number of the first name.
task<double> run(green::resolver& names, const round& r, std::size_t& next) {
    green::lookup_options options;
    options.family = r.family;
    options.use_cache = r.use_cache;
    std::vector<green::join_handle<>> lookups;
    lookups.reserve(r.names);
    auto const start = bench::wall_ns();
    for (std::size_t i = 0; i < r.names; ++i) {
        auto name = bench::dns_name(next++ % r.distinct, r.zone);
        lookups.push_back(green::spawn(look_up(names, std::move(name), options)));
    }
    co_await green::joinall(lookups);
    co_return static_cast<double>(bench::wall_ns() - start);
}

task<double> best_of(green::resolver& names, const round& r, int slices) {
    double best = std::numeric_limits<double>::max();
    std::size_t next = 0;
    for (int s = 0; s < slices; ++s) {
        double const took = co_await run(names, r, next);
        best = std::min(best, took);
    }
    co_return best / static_cast<double>(r.names);
}

task<> distinct_names(
    const bench::program& out, const char* figure, std::size_t count, int family
) {
    if (!out.wants(figure)) co_return;
    green::resolver names(at_server());
    int const slices = bench::dns_slices(out.slices(), count);
    round const r{count, family};
    double const ns = co_await best_of(names, r, slices);
    out.report(figure, ns / 1e3, "us");
    // What was lost had to be sent again.
    auto const needed = count * static_cast<std::size_t>(slices) * (family == 0 ? 2 : 1);
    double const again = static_cast<double>(names.stats().sent) - static_cast<double>(needed);
    out.report((std::string(figure) + "_resent").c_str(), again, "queries");
}

/// A hundred lookups for each name, all at once: they share one query.
task<> shared_names(const bench::program& out) {
    if (!out.wants("dns_shared")) co_return;
    green::resolver names(at_server());
    round const r{100'000, 4, true, 1'000};
    double const ns = co_await best_of(names, r, 1);
    out.report("dns_shared", ns, "ns");
    out.report("dns_shared_sent", static_cast<double>(names.stats().sent), "queries");
}

task<> cache_hits(const bench::program& out) {
    if (!out.wants("dns_cache_hit")) co_return;
    green::resolver names(at_server());
    bench::best_slice best;
    std::vector<std::string> hosts;
    for (int s = 0; s < out.slices(); ++s) {
        hosts.clear();
        for (std::size_t i = 0; i < 1'000; ++i) hosts.push_back(bench::dns_name(i % 100));
        best.begin();
        for (std::string& host : hosts) {
            auto const found = co_await names.resolve(std::move(host));
            if (found.empty()) std::abort();
        }
        best.end(1'000);
    }
    out.report("dns_cache_hit", best.ns(), "ns");
}

/// What a lookup that waits for its turn takes, with its task and its name.
task<> pending_bytes(const bench::program& out) {
    if (!out.wants("dns_pending_bytes")) co_return;
    constexpr std::size_t count = 100'000;
    green::resolver names(at_server());
    green::lookup_options options;
    options.family = 4;
    std::vector<green::join_handle<std::vector<green::address>>> lookups;
    lookups.reserve(count);
    // The first lookup of a resolver makes what all share.
    co_await look_up(names, bench::dns_name(0), options);
    double const before = bench::resident_bytes();
    for (std::size_t i = 0; i < count; ++i) {
        auto name = bench::dns_name(i, "silent.test");
        lookups.push_back(green::spawn(names.resolve(std::move(name), 0, options)));
    }
    while (names.stats().queued < count - 1'000) co_await green::yield();
    out.report("dns_pending_bytes", (bench::resident_bytes() - before) / count, "B");
    co_await green::killall(lookups);
}

/// With 10 ms to the server it is the window that counts.
task<> far_server(const bench::program& out) {
    if (!out.wants("dns_far")) co_return;
    green::resolver names(at_server());
    round const r{10'000, 4, false, 1'000'000, "far.test"};
    double const ns = co_await best_of(names, r, 1);
    out.report("dns_far", ns / 1e3, "us");
}

task<> all(int argc, char** argv) {
    bench::program const out("green", argc, argv);
    co_await distinct_names(out, "dns_a_1k", 1'000, 4);
    co_await distinct_names(out, "dns_a_10k", 10'000, 4);
    co_await distinct_names(out, "dns_a_100k", 100'000, 4);
    co_await distinct_names(out, "dns_any_1k", 1'000, 0);
    co_await distinct_names(out, "dns_any_10k", 10'000, 0);
    co_await distinct_names(out, "dns_any_100k", 100'000, 0);
    co_await shared_names(out);
    co_await cache_hits(out);
    co_await pending_bytes(out);
    co_await far_server(out);
}

}  // namespace

int main(int argc, char** argv) {
    green::run_options options;
    options.stall_threshold = {};  // to spawn a hundred thousand tasks takes one turn
    green::run(options, all, argc, argv);
}
