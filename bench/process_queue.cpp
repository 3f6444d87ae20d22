// What a process_queue costs between two processes, by the wall: both share the work.
// bench/peers/python/multiprocessing_process_queue.py is multiprocessing.JoinableQueue.

#include <green/executor/process_queue.hpp>

#include "measure.hpp"

#include <green/core/errors.hpp>
#include <green/executor/process.hpp>
#include <green/executor/process_worker_main.hpp>
#include <green/loop/run.hpp>
#include <green/tasks/spawn.hpp>

#include <algorithm>
#include <vector>

namespace {

using numbers = green::process_queue<int>;

constexpr int items = 5'000;
constexpr int in_flight = 100;

void echo(const numbers& in, const numbers& out) {
    try {
        for (;;) out.put(static_cast<int>(in.get()));
    } catch (const green::closed_error&) {}
}

void consume(const numbers& in) {
    try {
        for (;;) {
            static_cast<void>(static_cast<int>(in.get()));
            in.task_done();
        }
    } catch (const green::closed_error&) {}
}

void produce(const numbers& go, const numbers& out) {
    try {
        for (;;) {
            int const count = go.get();
            for (int i = 0; i < count; ++i) out.put(i);
        }
    } catch (const green::closed_error&) {}
}

green::task<> consume_some(numbers in) {
    try {
        for (;;) {
            co_await in.get();
            in.task_done();
        }
    } catch (const green::closed_error&) {}
}

/// On a loop, many gets at once.
void consume_batched(const numbers& in) {
    auto const amain = [&]() -> green::task<> {
        for (int i = 1; i < in_flight; ++i) green::spawn(consume_some, in);
        co_await consume_some(in);
    };
    green::run(amain);
}

double nanoseconds_since(std::int64_t start) {
    return static_cast<double>(bench::wall_ns() - start);
}

void round_trip(const bench::program& out) {
    numbers const there;
    numbers const back;
    auto const peer = green::process::start<echo>(there, back);
    std::vector<double> us;
    for (int i = 0; i < 200 * out.slices(); ++i) {
        std::int64_t const start = bench::wall_ns();
        there.put(i);
        static_cast<void>(static_cast<int>(back.get()));
        us.push_back(nanoseconds_since(start) / 1000);
    }
    there.close();
    auto const middle = us.begin() + static_cast<std::ptrdiff_t>(us.size() / 2);
    std::nth_element(us.begin(), middle, us.end());
    out.report("queue_round_trip", *middle, "us");
}

/// From the program to a process that runs Consume, until all is done.
template <auto Consume>
void to_a_process(const bench::program& out, const char* figure) {
    numbers const q;
    auto const peer = green::process::start<Consume>(q);
    double best = 1e12;
    for (int s = 0; s < 1 + out.slices() / 5; ++s) {
        std::int64_t const start = bench::wall_ns();
        for (int i = 0; i < items; ++i) q.put(i);
        q.join();
        best = std::min(best, nanoseconds_since(start) / items);
    }
    q.close();
    out.report(figure, best, "ns");
}

void from_a_process(const bench::program& out) {
    numbers const go;
    numbers const q;
    auto const peer = green::process::start<produce>(go, q);
    double best = 1e12;
    for (int s = 0; s < 1 + out.slices() / 5; ++s) {
        std::int64_t const start = bench::wall_ns();
        go.put(items);
        for (int i = 0; i < items; ++i) {
            static_cast<void>(static_cast<int>(q.get()));
            q.task_done();
        }
        best = std::min(best, nanoseconds_since(start) / items);
    }
    go.close();
    out.report("queue_from_process", best, "ns");
}

}  // namespace

int main(int argc, char** argv) {
    green::process_worker_main();
    bench::program const out("green", argc, argv);
    if (out.wants("queue_round_trip")) round_trip(out);
    if (out.wants("queue_to_process")) to_a_process<consume>(out, "queue_to_process");
    if (out.wants("queue_to_loop")) to_a_process<consume_batched>(out, "queue_to_loop");
    if (out.wants("queue_from_process")) from_a_process(out);
}
