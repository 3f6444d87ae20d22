// Many connections that say nothing and some that never stop, for a while: memory has to stay where it is.
//
// A short one by default. GREEN_TEST_LOAD=IDLE,BUSY,SECONDS asks for another, such as 20000,1000,60, which
// takes about 42 100 descriptors, and GREEN_TEST_TIMEOUT_SCALE=10 for the watchdog. With fewer to be had
// tests/net_peers/load.py spreads it over processes.

#include "net/streams.hpp"

#include <green/loop/run.hpp>
#include <green/net/serve.hpp>
#include <green/tasks/as_result.hpp>
#include <green/tasks/task_group.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

using namespace green;
using namespace green_test;
using namespace std::chrono_literals;

namespace {

struct load {
    int idle = 300;
    int busy = 50;
    std::chrono::milliseconds time{250};
};

load wanted_load() {
    load l;
    if (const char* const given = std::getenv("GREEN_TEST_LOAD")) {
        int seconds = 0;
        if (std::sscanf(given, "%d,%d,%d", &l.idle, &l.busy, &seconds) == 3)
            l.time = std::chrono::seconds(seconds);
    }
    return l;
}

/// The program's memory in KiB.
long resident() {
    std::ifstream statm("/proc/self/statm");
    long total = 0;
    long pages = 0;
    statm >> total >> pages;
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

/// As many descriptors as are wanted, if the system lets us; back to what it was at the end.
class descriptor_limit {
public:
    explicit descriptor_limit(rlim_t wanted) {
        getrlimit(RLIMIT_NOFILE, &before_);
        rlimit const raised{wanted, std::max(wanted, before_.rlim_max)};
        enough_ = wanted <= before_.rlim_cur || setrlimit(RLIMIT_NOFILE, &raised) == 0;
    }
    ~descriptor_limit() { setrlimit(RLIMIT_NOFILE, &before_); }
    descriptor_limit(const descriptor_limit&) = delete;
    descriptor_limit& operator=(const descriptor_limit&) = delete;

    bool is_enough() const { return enough_; }

private:
    rlimit before_{};
    bool enough_ = false;
};

task<> echo_all(tcp_stream s) {
    for (;;) {
        chunk const c = co_await s.read();
        if (c.empty()) break;
        co_await s.write_all(c);
    }
}

/// A socket of a client, from one of several addresses of this machine: each has 28 000 ports.
task<tcp_stream> client_of(std::uint16_t port, int n) {
    std::string const host = "127.0.0." + std::to_string(1 + n / 10'000);
    co_return co_await tcp_stream::connect(address::parse(host, port));
}

task<> ask_until(tcp_stream s, clock::time_point end, std::size_t& answers) {
    std::string const question(512, 'q');
    std::string answer(question.size(), '\0');
    while (now() < end) {
        co_await s.write_all(question);
        co_await s.read_exactly(bytes(answer));
        if (answer != question) throw std::runtime_error("a wrong answer");
        ++answers;
    }
}

// A sanitizer keeps what was freed, or a copy of what was done.
#if GREEN_ASAN || defined(__SANITIZE_THREAD__)
constexpr bool memory_is_our_own = false;
#elif defined(__has_feature)
constexpr bool memory_is_our_own = !__has_feature(thread_sanitizer);
#else
constexpr bool memory_is_our_own = true;
#endif

struct figures {
    std::size_t answers = 0;
    std::size_t connections = 0;
    long begin = 0;  // KiB, when all have spoken once
    long end = 0;
};

task<figures> carry(load l) {
    figures f;
    listen_options options;
    options.backlog = 4096;
    tcp_listener listener = tcp_listener::bind("0.0.0.0", 0, options);
    std::uint16_t const port = listener.local_address().port();
    auto serving = spawn(serve(listener, echo_all));
    std::vector<tcp_stream> idle;
    for (int i = 0; i < l.idle; ++i) {
        tcp_stream s = co_await client_of(port, i);
        co_await s.write_all("x");
        std::string one(1, '\0');
        co_await s.read_exactly(bytes(one));
        idle.push_back(std::move(s));
    }
    std::vector<join_handle<void>> busy;
    auto const ask = [&](std::chrono::milliseconds time) -> task<> {
        clock::time_point const end = now() + time;
        busy.clear();
        for (int i = 0; i < l.busy; ++i) {
            tcp_stream s = co_await client_of(port, i);
            busy.push_back(spawn(ask_until(std::move(s), end, f.answers)));
        }
        for (auto& b : busy) co_await b;
    };
    co_await ask(l.time / 5);
    f.begin = resident();
    co_await ask(l.time);
    f.end = resident();
    for (tcp_stream& s : idle) co_await s.close();
    listener.close();
    serve_report const report = co_await std::move(serving);
    f.connections = report.served;
    co_return f;
}

}  // namespace

TEST_CASE("load: idle and busy connections, and memory that does not grow", "[load]") {
    load const l = wanted_load();
    descriptor_limit const limit(static_cast<rlim_t>(2 * (l.idle + l.busy) + 100));
    if (!limit.is_enough()) {
        WARN("skipped: so many descriptors are not to be had");
        return;
    }
    run_options options;
    options.stall_threshold = 0ns;
    figures const f = run(options, carry, l);
    REQUIRE(f.connections == static_cast<std::size_t>(l.idle + 2 * l.busy));
    REQUIRE(f.answers > static_cast<std::size_t>(l.busy));
    UNSCOPED_INFO(
        f.answers << " answers, " << f.begin << " KiB and then " << f.end << " KiB of memory"
    );
    if (memory_is_our_own) REQUIRE(f.end < f.begin + f.begin / 10 + 1024);
    if (std::getenv("GREEN_TEST_LOAD")) {
        std::printf("%zu answers, %ld KiB and then %ld KiB of memory\n", f.answers, f.begin, f.end);
    }
}
