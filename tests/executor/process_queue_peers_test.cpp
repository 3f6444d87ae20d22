#include "executor/process_queue_support.hpp"
#include "support/green_test.hpp"

#include <green/executor/process.hpp>
#include <green/loop/run.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace green;
using namespace green_test;

// Queues between the program, its processes and its jobs.

namespace {

using numbers = process_queue<int>;
using pairs = process_queue<std::pair<int, int>>;

/// Until the queue is closed: answers each number with itself and the pid.
int serve(const numbers& in, const pairs& out) {
    int count = 0;
    try {
        for (;; ++count) {
            int const item = in.get();
            out.put({item, ::getpid()});
            in.task_done();
        }
    } catch (const closed_error&) {}
    return count;
}

task<> serve_one(numbers in, pairs out) {
    try {
        for (;;) {
            int const item = co_await in.get();
            co_await out.put({item, ::getpid()});
            in.task_done();
        }
    } catch (const closed_error&) {}
}
/// The same on a loop, ten at once.
void serve_on_loop(const numbers& in, const pairs& out) {
    run([&]() -> task<> {
        for (int i = 0; i < 9; ++i) spawn(serve_one, in, out);
        co_await serve_one(in, out);
    });
}

void produce(const numbers& out, int from, int to) {
    for (int i = from; i < to; ++i) out.put(i);
}

std::string text_of_closed(const numbers& q) {
    try {
        q.put(1);
    } catch (const closed_error& e) {
        return e.what();
    }
    return "none";
}

int one_too_many(const numbers& q) {
    int const item = q.get();
    q.task_done();
    try {
        q.task_done();
    } catch (const std::logic_error&) {
        return item;
    }
    return -1;
}

void put_picky(const process_queue<picky>& q) {
    int refused = 0;
    for (int const value : {1, 13, 2}) {
        try {
            q.put(picky{.value = value});
        } catch (const codec_error&) {
            ++refused;
        }
    }
    q.put(picky{.value = refused});
}

/// Queues of its own, and an end to all of them.
int count_threads() {
    belongings const before;
    std::size_t during = 0;
    {
        std::vector<numbers> const queues(50);
        during = threads_named("green-queues");
        numbers const copy = queues[3];
        copy.put(1);
        if (queues[3].size() != 1) return -1;
    }
    if (belongings() != before) return -2;
    while (threads_named("green-queues") != 0) std::this_thread::yield();
    return static_cast<int>(during);
}

/// What comes out of the queue until there are so many.
std::map<int, int> collect(const pairs& q, std::size_t count) {
    std::map<int, int> got;
    for (std::size_t i = 0; i < count; ++i) {
        std::pair<int, int> const item = q.get();
        got.insert(item);
    }
    return got;
}

}  // namespace

TEST_CASE("process_queue: one thread for all queues, while there are any", "[process_queue]") {
    REQUIRE(process::start<count_threads>().ended().result() == 1);
}

// conformance 101
TEST_CASE("process_queue: four consumer processes", "[process_queue]") {
    numbers const in(8);
    pairs const out;
    std::vector<process> consumers;
    for (int i = 0; i < 4; ++i) consumers.push_back(process::start<serve>(in, out));
    for (int i = 0; i < 200; ++i) in.put(i);
    in.join();  // only when all are done
    REQUIRE(in.unfinished() == 0);
    REQUIRE(out.size() == 200);
    REQUIRE_THROWS_AS(in.task_done(), std::logic_error);
    in.close();
    int served = 0;
    for (const process& c : consumers) served += c.ended().result();
    REQUIRE(served == 200);
    auto const got = collect(out, 200);
    REQUIRE(got.size() == 200);
    for (const auto& [item, pid] : got) {
        REQUIRE(std::any_of(consumers.begin(), consumers.end(), [&](const process& c) {
            return c.pid() == pid;
        }));
    }
}

TEST_CASE("process_queue: called done too often in another process", "[process_queue]") {
    numbers const q;
    q.put(5);
    REQUIRE(process::start<one_too_many>(q).ended().result() == 5);
    q.join();
}

// conformance 102
TEST_CASE("process_queue: another process puts what cannot be encoded", "[process_queue]") {
    process_queue<picky> const q;
    REQUIRE(process::start<put_picky>(q).ended().result() == 0);
    std::vector<int> got;
    while (auto const item = q.try_get()) got.push_back(item->value);
    REQUIRE(got == std::vector{1, 2, 1});
}

TEST_CASE("process_queue: loops in several processes", "[process_queue]") {
    numbers const in(3);
    pairs const out(3);
    process const first = process::start<serve_on_loop>(in, out);
    process const second = process::start<serve_on_loop>(in, out);
    process const producer = process::start<produce>(in, 0, 300);
    auto const got = collect(out, 300);
    REQUIRE(got.size() == 300);
    in.join();
    in.close();
    REQUIRE(first.ended().result() == 0);
    REQUIRE(second.ended().result() == 0);
    REQUIRE(producer.ended().result() == 0);
}

GREEN_TEST_REAL_CLOCK(
    "process_queue: awaited in the program, jobs of an executor", "[process_queue]"
) {
    process_executor pool(2);
    numbers const in(5);
    pairs const out;
    auto const served = pool.submit(serve, in, out);
    auto const produced = pool.submit(produce, in, 0, 50);
    std::set<int> got;
    for (int i = 0; i < 50; ++i) {
        std::pair<int, int> const item = co_await out.get();
        got.insert(item.first);
    }
    co_await produced;
    co_await in.join();
    in.close();
    int const count = co_await served;
    REQUIRE(count == 50);
    REQUIRE(got.size() == 50);
    co_await pool.close();
}

TEST_CASE("process_queue: a job comes with the same queue again and again", "[process_queue]") {
    process_executor pool(1);
    pool.submit(own_pid).result();
    belongings const before;
    {
        numbers const q;
        for (int i = 0; i < 100; ++i) pool.submit(produce, q, i, i + 1).result();
        REQUIRE(q.size() == 100);
        // The queue and its one connection.
        REQUIRE(open_descriptors() <= before.descriptors + 6);
    }
    for (int i = 0; i < 20; ++i) {
        numbers const q;
        pool.submit(produce, q, 0, 1).result();
        REQUIRE(q.try_get() == 0);
    }
    REQUIRE(belongings() == before);
    // Nor there.
    auto const descriptors = [] { return static_cast<int>(open_descriptors()); };
    int const there = pool.submit(descriptors).result();
    REQUIRE(pool.submit(descriptors).result() == there);
    REQUIRE(there < 16);
}

TEST_CASE("process_queue: a queue of queues, and one that comes home", "[process_queue]") {
    process_queue<numbers> const queues;
    auto const answer = [](const process_queue<numbers>& from) {
        numbers const to = from.get();
        to.put(42);
        from.task_done();
    };
    process_executor pool(1);
    numbers const q;
    queues.put(q);
    pool.submit(answer, queues).result();
    REQUIRE(q.try_get() == 42);
    queues.join();
    numbers const back = pool.submit([](const numbers& same) { return same; }, q).result();
    back.put(43);
    REQUIRE(q.try_get() == 43);
}

TEST_CASE("process_queue: one that is gone when it arrives", "[process_queue]") {
    process_executor pool(1);
    meeting_point gate;
    auto const blocked = pool.submit(pass_gate, gate.path(), 1);
    gate.wait_for(1);
    auto const late = [&] {
        numbers q;
        q.set_name("short");
        return pool.submit(text_of_closed, q);
    }();
    gate.value() = 1000;
    REQUIRE_THAT(late.result(), Catch::Matchers::Contains("process_queue.put of 'short': closed"));
    REQUIRE(blocked.result() == 1);
}
