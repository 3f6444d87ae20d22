// What it costs to be watched: the same work without the stall watchdog, with it (as by default), and while a trace is
// being written. Means of whole runs, not best slices: the monitor thread works now and then only, and counts.

#include "measure.hpp"

#include <green/debug/trace.hpp>
#include <green/loop/run.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace {

using green::task;

constexpr std::size_t batch = 100;

task<> nothing() { co_return; }

task<> spawn_and_join(std::size_t times) {
    std::vector<green::join_handle<>> handles(batch);
    for (std::size_t b = 0; b < times / batch; ++b) {
        for (auto& h : handles) h = green::spawn(nothing());
        for (auto& h : handles) co_await h;
    }
}

task<> yield_often(std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) co_await green::yield();
}

/// The steps of the work in one slice: some 10 ms of it unwatched.
constexpr std::size_t yields = 2'000'000;
constexpr std::size_t spawns = 300'000;

struct watching {
    const char* name;
    std::chrono::nanoseconds stall_threshold;
    bool traced;
    std::size_t divisor;  // less work where each step takes longer
};

constexpr watching ways[] = {
    {"unwatched", std::chrono::nanoseconds(0), false, 1},
    {"watched", green::run_options().stall_threshold, false, 1},
    {"traced", green::run_options().stall_threshold, true, 50},
};

template <class Work>
void measure(
    const bench::program& out,
    const std::string& figure,
    const watching& way,
    Work work,
    std::size_t steps
) {
    if (!out.wants(figure.c_str())) return;
    steps = steps * static_cast<std::size_t>(out.slices()) / way.divisor;
    green::run_options options;
    options.stall_threshold = way.stall_threshold;
    std::optional<green::trace_session> trace;
    if (way.traced) trace.emplace("/dev/null");
    double const start = bench::cpu_ns();
    green::run(options, work, steps);
    trace.reset();  // what it holds back is written now
    out.report(figure.c_str(), (bench::cpu_ns() - start) / static_cast<double>(steps), "ns");
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("green", argc, argv);
    for (const auto& way : ways) {
        measure(out, std::string("yield_") + way.name, way, yield_often, yields);
        measure(out, std::string("spawn_join_") + way.name, way, spawn_and_join, spawns);
    }
}
