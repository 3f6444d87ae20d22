// Many names at once, computation off the loop: what green is for, in one program.
//
//     resolve_and_crunch                     demo names, served by a DNS server in this process
//     resolve_and_crunch HOST...             the machine's own resolver
//     resolve_and_crunch - <hosts.txt        one name a line
//
// Every name is a green task: it waits for its address and then for a job on the thread executor,
// which looks for a number ("nonce") whose hash with the address begins with enough zero bits. All the
// while the loop ticks: the last line says how late its worst tick was.

#include <green/green.hpp>
#include <green/testing/dns_server.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

using namespace std::chrono_literals;

namespace {

constexpr std::string_view usage =
    "usage: resolve_and_crunch [--timeout SECONDS] [--bits N] [HOST... | -]\n"
    "  --timeout SECONDS  for all names together (default 10)\n"
    "  --bits N           zero bits to look for, 1 to 32 (default 20); one more doubles the work\n"
    "  HOST...            names for this machine's resolver; '-' reads them from standard input\n"
    "  without names      a demonstration with a DNS server in this process\n"
    "exit status: 0 all names have an address, 1 some have none, 2 usage, 130 interrupted\n";

struct settings {
    std::chrono::nanoseconds timeout = 10s;
    int bits = 20;
    std::vector<std::string> hosts;  // empty: the demonstration
    bool from_input = false;
};

/// One line of the table.
struct row {
    std::string address;
    std::size_t more = 0;  // further addresses
    std::chrono::nanoseconds resolved_in{};
    std::uint64_t nonce = 0;
    std::chrono::nanoseconds crunched_in{};
    std::string problem;  // why there is no address
};

struct progress {
    std::size_t total = 0;
    std::size_t resolved = 0;
    std::size_t crunched = 0;
    std::size_t ticks = 0;
    std::chrono::nanoseconds worst_tick{};
};

double milliseconds(std::chrono::nanoseconds d) {
    return std::chrono::duration<double, std::milli>(d).count();
}

/// FNV-1a, 64 bits, with a final mix: nothing cryptographic, just work.
std::uint64_t hash(std::string_view text, std::uint64_t nonce) noexcept {
    std::uint64_t h = 0xcbf29ce484222325U ^ nonce;
    for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    h = (h ^ (h >> 32)) * 0x9e3779b97f4a7c15U;
    return h ^ (h >> 29);
}

/// The CPU-bound job: runs on a thread of the executor. When the task that waits for it is cancelled
/// it is asked to stop.
std::uint64_t find_nonce(const std::stop_token& stop, const std::string& address, int bits) {
    std::uint64_t nonce = 0;
    while (hash(address, nonce) >> (64 - bits) != 0) {
        if (++nonce % 4096 == 0 && stop.stop_requested()) break;
    }
    return nonce;
}

/// What all tasks share. It belongs to `main` and outlives the run: a task made by `spawn` may still be
/// there when the function that spawned it is gone.
struct application {
    settings options;
    progress so_far;
    green::thread_executor pool;
};

green::task<row> resolve_and_crunch(std::string host, application& app) {
    row r;
    auto const start = green::now();
    try {
        std::vector<green::address> const found = co_await green::getaddrinfo(host);
        r.address = found.front().ip();
        r.more = found.size() - 1;
    } catch (const green::dns_error& e) {
        r.problem = e.what();
        co_return r;
    }
    r.resolved_in = green::now() - start;
    ++app.so_far.resolved;

    auto const begun = green::now();
    r.nonce = co_await app.pool.run(find_nonce, r.address, app.options.bits);
    r.crunched_in = green::now() - begun;
    ++app.so_far.crunched;
    co_return r;
}

/// Shows that the loop is free while the threads compute, and draws the progress on a terminal.
green::task<> tick(progress& so_far) {
    constexpr auto interval = 5ms;
    bool const terminal = ::isatty(STDERR_FILENO) != 0;
    for (;;) {
        auto const due = green::now() + interval;
        co_await green::sleep_until(due);
        ++so_far.ticks;
        so_far.worst_tick =
            std::max<std::chrono::nanoseconds>(so_far.worst_tick, green::now() - due);
        if (terminal && so_far.ticks % 10 == 1) {
            std::fprintf(
                stderr, "\r%zu names: %zu resolved, %zu computed ", so_far.total, so_far.resolved,
                so_far.crunched
            );
        }
    }
}

/// What can be shown of a name that may be anything.
std::string printable(std::string_view text) {
    std::string out;
    for (char c : text.substr(0, 40)) {
        out += c >= ' ' && c != 127 && static_cast<unsigned char>(c) < 128 ? c : '?';
    }
    if (text.size() > 40) out += "...";
    return out.empty() ? "(empty)" : out;
}

void print_row(const std::string& host, const row& r) {
    if (!r.problem.empty()) {
        std::printf("%-32s %s\n", host.c_str(), r.problem.c_str());
        return;
    }
    std::string const address = r.address +
        (r.more ? " +" + std::to_string(r.more) : std::string());
    std::printf(
        "%-32s %-24s %7.1f ms %12llu %7.1f ms\n", host.c_str(), address.c_str(),
        milliseconds(r.resolved_in), static_cast<unsigned long long>(r.nonce),
        milliseconds(r.crunched_in)
    );
}

/// Prints a line for every name; how many have an address.
std::size_t print_table(
    std::span<const std::string> hosts,
    std::span<const green::join_handle<row>> jobs,
    std::chrono::nanoseconds limit
) {
    std::size_t good = 0;
    std::printf("%-32s %-24s %10s %12s %10s\n", "host", "address", "resolved", "nonce", "computed");
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        row late;
        late.problem = "not done within " + std::to_string(limit / 1ms) + " ms";
        row const r = jobs[i].value().value_or(late);
        print_row(printable(hosts[i]), r);
        if (r.problem.empty()) ++good;
    }
    return good;
}

/// The names of the demonstration and the server that knows them.
std::vector<std::string> demo_names(green::testing::dns_server& server) {
    std::vector<std::string> names;
    for (int i = 1; i <= 20; ++i) {
        std::string const name = "node" + std::to_string(i) + ".example.test";
        server.answer(
            name, {"192.0.2." + std::to_string(i), "2001:db8::" + std::to_string(i)},
            {.delay = std::chrono::milliseconds(5 * i)}
        );
        names.push_back(name);
    }
    names.emplace_back("no-such-host.example.test");
    server.fail("broken.example.test", 2);
    names.emplace_back("broken.example.test");
    return names;
}

green::task<int> amain(application& app) {
    const settings& s = app.options;
    progress& so_far = app.so_far;
    std::optional<green::testing::dns_server> server;
    std::vector<std::string> hosts = s.hosts;
    bool const demo = hosts.empty() && !s.from_input;
    if (demo) {
        server.emplace();
        hosts = demo_names(*server);
        green::set_default_resolver(green::resolver(green::testing::only(*server)));
    }
    so_far.total = hosts.size();

    auto const start = green::now();
    auto ticker = green::spawn({.name = "ticker"}, tick(so_far));
    std::vector<green::join_handle<row>> jobs;
    jobs.reserve(hosts.size());
    for (const std::string& host : hosts) {
        jobs.push_back(green::spawn(resolve_and_crunch(host, app)));
    }
    co_await green::joinall(jobs, s.timeout);
    auto const took = green::now() - start;
    ticker.cancel();
    if (::isatty(STDERR_FILENO) != 0) std::fputs("\r\033[K", stderr);

    std::size_t const done = print_table(hosts, jobs, s.timeout);
    std::printf(
        "\n%zu of %zu names in %.0f ms; meanwhile the loop ticked %zu times, at worst %.1f ms "
        "late\n",
        done, hosts.size(), milliseconds(took), so_far.ticks, milliseconds(so_far.worst_tick)
    );
    co_await green::killall(jobs);
    // The demonstration has two names that must fail.
    co_return done == hosts.size() || (demo && done + 2 == hosts.size()) ? 0 : 1;
}

template <class Number>
std::optional<Number> number(std::string_view text, Number least, Number most) {
    Number n{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    bool const whole = error == std::errc() && end == text.data() + text.size();
    return whole && n >= least && n <= most ? std::optional(n) : std::nullopt;
}

std::optional<settings> parse(std::span<char* const> arguments) {
    settings s;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string_view const argument = arguments[i];
        bool const takes_value = argument == "--timeout" || argument == "--bits";
        if (takes_value) {
            if (++i == arguments.size()) return std::nullopt;
            if (argument == "--timeout") {
                auto const seconds = number<double>(arguments[i], 0.001, 86400);
                if (!seconds) return std::nullopt;
                s.timeout = std::chrono::nanoseconds(static_cast<std::int64_t>(*seconds * 1e9));
            } else {
                auto const bits = number<int>(arguments[i], 1, 32);
                if (!bits) return std::nullopt;
                s.bits = *bits;
            }
        } else if (argument == "-") {
            s.from_input = true;
            for (std::string line; std::getline(std::cin, line);) s.hosts.push_back(line);
        } else if (argument.starts_with("--")) {
            return std::nullopt;
        } else {
            s.hosts.emplace_back(argument);
        }
    }
    return s;
}

}  // namespace

int main(int argc, char** argv) {
    std::optional<settings> s = parse(std::span(argv + 1, argv + argc));
    if (!s) {
        std::fputs(usage.data(), stderr);
        return 2;
    }
    application app{std::move(*s), {}, green::thread_executor()};
    return green::run_main([&] { return amain(app); }, argc, argv);
}
