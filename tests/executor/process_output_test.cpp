#include "executor/process_jobs.hpp"

#include <green/executor/process_executor.hpp>
#include <green/executor/wait.hpp>
#include <green/executor/worker_died.hpp>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

using namespace green;
using namespace green_test;

// What workers print, when somebody wants it.

namespace {

struct heard_line {
    pid_t pid;
    worker_stream stream;
    std::string text;
};
std::mutex mutex;
std::vector<heard_line> heard;

void hear(const worker_line& line) {
    std::lock_guard const lock(mutex);
    heard.push_back({line.pid, line.stream, std::string(line.text)});
}
void hear_slowly(const worker_line& line) {
    std::this_thread::sleep_for(std::chrono::microseconds(20));
    hear(line);
}
void choke(const worker_line& line) {
    hear(line);
    if (line.text == "bad") throw std::runtime_error("choked (on purpose)");
}

/// All so far, as text, and forgets them.
std::vector<std::string> take_heard(worker_stream stream) {
    std::lock_guard const lock(mutex);
    std::vector<std::string> texts;
    for (const heard_line& l : heard) {
        if (l.stream == stream) texts.push_back(l.text);
    }
    std::erase_if(heard, [stream](const heard_line& l) { return l.stream == stream; });
    return texts;
}

using texts = std::vector<std::string>;

process_executor_options captured(void (*on_output)(const worker_line&) = hear) {
    process_executor_options options;
    options.max_workers = 1;
    options.on_output = on_output;
    heard.clear();
    return options;
}

int print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    return ::getpid();
}
void complain(const std::string& text) { std::cerr << text; }
void print_and_die(const std::string& text) {
    print(text);
    std::fflush(stdout);
    ::kill(::getpid(), SIGKILL);
}
void flood(int lines) {
    for (int i = 0; i < lines; ++i) std::printf("%d\n", i);
}

}  // namespace

TEST_CASE("process_executor: what a job prints is there before its end", "[process_output]") {
    process_executor_options options = captured();
    options.method = GENERATE(start_method::fork, start_method::exec);
    process_executor pool(options);
    for (int i = 0; i < 50; ++i) {
        std::string const text = "line " + std::to_string(i);
        pid_t const worker = pool.submit(print, text + "\n\nafter\n").result();
        {
            std::lock_guard const lock(mutex);
            for (const heard_line& l : heard) REQUIRE(l.pid == worker);
        }
        REQUIRE(take_heard(worker_stream::out) == texts{text, "", "after"});
    }
    pool.submit(complain, "oh\n").result();
    REQUIRE(take_heard(worker_stream::err) == texts{"oh"});
    REQUIRE(take_heard(worker_stream::out).empty());
}

TEST_CASE(
    "process_executor: a line that comes in parts, and one without an end", "[process_output]"
) {
    process_executor pool(captured());
    pool.submit(print, "one, ").result();
    pool.submit(print, "two\nthree").result();
    REQUIRE(take_heard(worker_stream::out) == texts{"one, two"});
    REQUIRE_THROWS_AS(pool.submit(print_and_die, " and four").result(), worker_died);
    REQUIRE(take_heard(worker_stream::out) == texts{"three and four"});
    pool.submit(print, "the next worker").result();
    pool.shutdown();
    REQUIRE(take_heard(worker_stream::out) == texts{"the next worker"});
}

TEST_CASE("process_executor: a line that is too long comes in parts", "[process_output]") {
    process_executor pool(captured());
    constexpr std::size_t part = std::size_t{1} << 16;
    pool.submit(print, std::string(2 * part + 5, 'x') + "\nend\n").result();
    auto const lines = take_heard(worker_stream::out);
    std::size_t sum = 0;
    for (const std::string& line : lines) {
        REQUIRE(line.size() <= part);
        sum += line.size();
    }
    REQUIRE(sum == 2 * part + 5 + 3);
    REQUIRE(lines.back() == "end");
}

TEST_CASE("process_executor: a flood of output waits for who hears it", "[process_output]") {
    constexpr int count = 20'000;
    process_executor pool(captured(hear_slowly));
    pool.submit(flood, count).result();
    auto const lines = take_heard(worker_stream::out);
    REQUIRE(lines.size() == count);
    for (int i = 0; i < count; i += 1000) {
        REQUIRE(lines[static_cast<std::size_t>(i)] == std::to_string(i));
    }
}

TEST_CASE("process_executor: who hears the output may fail", "[process_output]") {
    process_executor pool(captured(choke));
    pool.submit(print, "good\nbad\nbetter\n").result();
    REQUIRE(take_heard(worker_stream::out) == texts{"good", "bad", "better"});
    REQUIRE(pool.submit(print, "still\n").result() > 0);
}

TEST_CASE("process_executor: several workers are heard apart", "[process_output]") {
    process_executor_options options = captured();
    options.max_workers = 3;
    process_executor pool(options);
    pool.warm().result();
    std::vector<future<int>> jobs;
    for (int i = 0; i < 60; ++i) jobs.push_back(pool.submit(print, "a\nb\n"));
    for (auto& j : jobs) j.result();
    std::lock_guard const lock(mutex);
    REQUIRE(heard.size() == 120);
    for (std::size_t i = 0; i < heard.size(); ++i) {
        auto const before =
            std::count_if(heard.begin(), heard.begin() + static_cast<int>(i), [&](const auto& l) {
                return l.pid == heard[i].pid;
            });
        REQUIRE(heard[i].text == (before % 2 == 0 ? "a" : "b"));
    }
}
