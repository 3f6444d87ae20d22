// What jobs in worker processes cost: on the way, at the start, after a crash. bench/limit/process.cpp
// is a bare socket pair to a forked process, bench/peers/ other runtimes' pools of one worker.

#include "measure.hpp"

#include <green/executor/process_executor.hpp>
#include <green/loop/run.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <ranges>
#include <vector>

namespace {

using namespace std::chrono_literals;

int nothing() { return 1; }
void die() { ::kill(::getpid(), SIGKILL); }
void hang() {
    for (;;) ::pause();
}

double milliseconds_since(std::int64_t start) {
    return static_cast<double>(bench::wall_ns() - start) / 1e6;
}

double median(std::vector<double>& values) {
    auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

void round_trip(const bench::program& out) {
    green::process_executor pool(1);
    pool.warm().result();
    std::vector<double> us;
    for (int i = 0; i < 200 * out.slices(); ++i) {
        std::int64_t const start = bench::wall_ns();
        pool.submit(nothing).result();
        us.push_back(milliseconds_since(start) * 1000);
    }
    out.report("process_round_trip", median(us), "us");
}

/// With 1000 of them on their way, by the wall: three processes share the work.
void jobs(const bench::program& out) {
    green::process_executor pool(1);
    pool.warm().result();
    double best = 1e9;
    std::deque<green::future<int>> waiting;
    for (int s = 0; s < out.slices(); ++s) {
        constexpr int count = 20'000;
        std::int64_t const start = bench::wall_ns();
        for (int i = 0; i < count; ++i) {
            waiting.push_back(pool.submit(nothing));
            if (waiting.size() < 1000) continue;
            waiting.front().result();
            waiting.pop_front();
        }
        for (; !waiting.empty(); waiting.pop_front()) waiting.front().result();
        best = std::min(best, milliseconds_since(start) * 1e6 / count);
    }
    out.report("process_jobs", best, "ns");
}

int itself(int x) { return x; }

/// The identity of a million numbers on two workers: what `map` costs an item.
green::task<double> time_of_map(green::process_executor& pool) {
    constexpr int count = 1'000'000;
    std::int64_t const start = bench::wall_ns();
    auto const results = co_await pool.map(itself, std::views::iota(0, count)).collect();
    double const ns = milliseconds_since(start) * 1e6 / count;
    if (results.size() != count || results.back() != count - 1) std::abort();
    co_return ns;
}

green::task<> map_identity(const bench::program& out) {
    green::process_executor pool(2);
    co_await pool.warm();
    double best = 1e9;
    for (int s = 0; s < out.slices(); ++s) best = std::min(best, co_await time_of_map(pool));
    co_await pool.close();
    out.report("process_map", best, "ns");
}

// --- payloads: an array of doubles to the worker, one number back

double ends_of(const std::vector<double>& values) { return values.front() + values.back(); }
double ends_of_shared(green::shared_array<const double> values) {
    return values[0] + values[values.size() - 1];
}

constexpr std::size_t mib_of_doubles = (std::size_t{1} << 20) / sizeof(double);

/// How long one of `submit` takes, with a few on their way so that both processes have work.
template <class Submit>
double time_of_payload(int count, Submit submit) {
    constexpr std::size_t on_their_way = 4;
    std::deque<green::future<double>> waiting;
    std::int64_t const start = bench::wall_ns();
    for (int i = 0; i < count; ++i) {
        waiting.push_back(submit());
        if (waiting.size() < on_their_way) continue;
        waiting.front().result();
        waiting.pop_front();
    }
    for (; !waiting.empty(); waiting.pop_front()) waiting.front().result();
    return milliseconds_since(start) / count;
}

void payload(const bench::program& out, const char* figure, std::size_t mib, int count) {
    green::process_executor pool(1);
    pool.warm().result();
    std::vector<double> const values(mib * mib_of_doubles, 1.5);
    std::vector<double> ms;
    for (int s = 0; s < 1 + out.slices() / 3; ++s) {
        ms.push_back(time_of_payload(count, [&] { return pool.submit(ends_of, std::cref(values)); })
        );
    }
    out.report(figure, median(ms) * 1000, "us");
}

void payload_in_place(const bench::program& out, const char* figure, std::size_t mib, int count) {
    green::process_executor pool(1);
    pool.warm().result();
    std::vector<double> ms;
    double next = 0;
    for (int s = 0; s < 1 + out.slices() / 3; ++s) {
        ms.push_back(time_of_payload(count, [&] {
            auto values = pool.allocate_shared<double>(mib * mib_of_doubles);
            std::fill(values.begin(), values.end(), next++);
            return pool.submit(ends_of_shared, std::move(values));
        }));
    }
    out.report(figure, median(ms) * 1000, "us");
}

double start_of_eight() {
    std::int64_t const start = bench::wall_ns();
    green::process_executor pool(8);
    pool.warm().result();
    return milliseconds_since(start);
}

void start(const bench::program& out) {
    std::vector<double> ms;
    for (int i = 0; i < 1 + out.slices() / 3; ++i) ms.push_back(start_of_eight());
    out.report("process_start", median(ms), "ms");
}

/// The same in a process of 2 GiB, and how long it keeps the thread that submits.
void start_large(const bench::program& out) {
    std::vector<char> const heap(std::size_t{2} << 30, 'x');
    std::vector<double> ms;
    std::vector<double> blocked;
    for (int i = 0; i < 1 + out.slices() / 10; ++i) {
        ms.push_back(start_of_eight());
        std::int64_t const begin = bench::wall_ns();
        green::process_executor pool(8);
        auto const first = pool.submit(nothing);
        blocked.push_back(milliseconds_since(begin));
        first.result();
    }
    out.report("process_start_2gib", median(ms), "ms");
    out.report("process_start_2gib_blocked", median(blocked), "ms");
}

/// From the end of a worker to the answer of its successor.
void replace(const bench::program& out) {
    green::process_executor pool(1);
    std::vector<double> ms;
    for (int i = 0; i < 1 + out.slices(); ++i) {
        pool.submit(nothing).result();
        auto const dead = pool.submit(die);
        std::int64_t const begin = bench::wall_ns();
        auto const next = pool.submit(nothing);
        next.result();
        ms.push_back(milliseconds_since(begin));
        static_cast<void>(dead.exception());
    }
    out.report("process_replace", median(ms), "ms");
}

void deadline(const bench::program& out) {
    green::process_executor pool(1);
    std::vector<double> ms;
    for (int i = 0; i < 5; ++i) {
        pool.submit(nothing).result();
        std::int64_t const begin = bench::wall_ns();
        static_cast<void>(pool.submit(green::job_options{.deadline = 200ms}, hang).exception());
        ms.push_back(milliseconds_since(begin));
    }
    out.report("process_deadline", median(ms), "ms");
}

}  // namespace

int main(int argc, char** argv) {
    green::process_worker_main();
    bench::program const out("green", argc, argv);
    if (out.wants("process_round_trip")) round_trip(out);
    if (out.wants("process_jobs")) jobs(out);
    if (out.wants("process_map")) green::run(map_identity(out));
    if (out.wants("process_payload_1mib")) payload(out, "process_payload_1mib", 1, 400);
    if (out.wants("process_payload_64mib")) payload(out, "process_payload_64mib", 64, 8);
    if (out.wants("process_payload_in_place_1mib")) {
        payload_in_place(out, "process_payload_in_place_1mib", 1, 1000);
    }
    if (out.wants("process_payload_in_place_64mib")) {
        payload_in_place(out, "process_payload_in_place_64mib", 64, 16);
    }
    if (out.wants("process_start")) start(out);
    if (out.wants("process_start_2gib")) start_large(out);
    if (out.wants("process_replace")) replace(out);
    if (out.wants("process_deadline")) deadline(out);
}
