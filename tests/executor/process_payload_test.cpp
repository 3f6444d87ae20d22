#include "executor/process_jobs.hpp"

#include <green/core/errors.hpp>
#include <green/executor/process_executor.hpp>
#include <green/executor/sandbox.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include <sys/stat.h>

using namespace green;
using namespace green_test;

// What is large goes through shared memory.

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;
constexpr std::size_t many = mib / sizeof(int);
constexpr long sum_to_many = static_cast<long>(many * (many + 1) / 2);

std::vector<int> row(int first, std::size_t n) {
    std::vector<int> v(n);
    std::iota(v.begin(), v.end(), first);
    return v;
}
shared_array<int> shared_row(const process_executor& pool, int first, std::size_t n = many) {
    auto a = pool.allocate_shared<int>(n);
    std::iota(a.begin(), a.end(), first);
    return a;
}
bool is_row(std::span<const int> values, int first, std::size_t n = many) {
    std::vector<int> const expected = row(first, n);
    return std::equal(values.begin(), values.end(), expected.begin(), expected.end());
}

// --- jobs

std::vector<int> doubled(std::vector<int> v) {
    v.insert(v.end(), v.begin(), v.end());
    return v;
}
long sum_of(shared_array<const int> values) {
    return std::accumulate(values.begin(), values.end(), 0L);
}
bool arrives_shared(const shared_array<const int>& values) {
    return is_shared(values.data(), "green-arguments");
}
shared_array<const int> make_row(int first, std::size_t n) {
    auto a = allocate_shared<int>(n);
    std::iota(a.begin(), a.end(), first);
    return a;
}
shared_array<const int> give_back(shared_array<const int> values) { return values; }
void write_to_argument(const shared_array<const int>& values) {
    auto* const first = const_cast<int*>(values.data());
    std::signal(SIGSEGV, SIG_DFL);
    *first = 1;
}

shared_array<const int> kept_in_worker;
void keep(shared_array<const int> values) { kept_in_worker = std::move(values); }
int first_kept() { return kept_in_worker[0]; }

std::size_t die_with(const std::vector<int>& values, const std::string& tries) {
    if (meeting_point(tries).arrive() == 1) ::kill(::getpid(), SIGKILL);
    return values.size();
}
long die_with_array(shared_array<const int> values, const std::string& tries) {
    if (meeting_point(tries).arrive() == 1) ::kill(::getpid(), SIGKILL);
    return sum_of(std::move(values));
}

}  // namespace

TEST_CASE("payload: large arguments and results, by fork and by exec", "[payload]") {
    belongings const before;
    for (start_method const method : {start_method::fork, start_method::exec}) {
        process_executor_options options;
        options.max_workers = 2;
        options.method = method;
        process_executor pool(options);
        std::vector<future<std::vector<int>>> jobs;
        for (int i = 0; i < 20; ++i) jobs.push_back(pool.submit(doubled, row(i, many)));
        for (int i = 0; i < 20; ++i) {
            auto const both = jobs[static_cast<std::size_t>(i)].result();
            REQUIRE(both.size() == 2 * many);
            REQUIRE(is_row({both.data(), many}, i));
            REQUIRE(is_row({both.data() + many, many}, i));
        }
        REQUIRE(pool.submit(arrives_shared, shared_row(pool, 1)).result());
    }
    REQUIRE(belongings() == before);
}

TEST_CASE("payload: more than the arena holds goes through the socket", "[payload]") {
    for (std::size_t const size : {std::size_t{0}, mib / 2, 3 * mib}) {
        process_executor_options options;
        options.max_workers = 2;
        options.arena_size = size;
        process_executor pool(options);
        std::vector<future<std::vector<int>>> jobs;
        for (int i = 0; i < 20; ++i) jobs.push_back(pool.submit(doubled, row(i, many)));
        for (int i = 0; i < 20; ++i) {
            auto const both = jobs[static_cast<std::size_t>(i)].result();
            REQUIRE(both.size() == 2 * many);
            REQUIRE(is_row({both.data() + many, many}, i));
        }
        // And so do arrays: those that have no room are copied.
        std::vector<shared_array<int>> built;
        for (int i = 0; i < 4; ++i) built.push_back(shared_row(pool, i));
        REQUIRE_FALSE(pool.submit(arrives_shared, std::move(built.back())).result());
        auto const result = pool.submit(make_row, 7, 2 * many).result();
        REQUIRE(is_row(result, 7, 2 * many));
    }
}

namespace {

/// Memory that the shared arguments of this process's executor have taken.
long blocks_of_arguments() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        auto const file = std::filesystem::read_symlink(entry.path(), gone).string();
        struct stat status = {};
        if (file.find("memfd:green-arguments") == std::string::npos) continue;
        if (::stat(entry.path().c_str(), &status) == 0) return status.st_blocks;
    }
    return -1;
}

}  // namespace

TEST_CASE("payload: from 256 KiB on it goes through shared memory", "[payload]") {
    constexpr std::size_t threshold = 256 << 10;
    auto const give_back_text = [](const std::string& text) { return text; };
    for (std::size_t const size : {threshold - 4096, threshold - 100, threshold, threshold + 1}) {
        process_executor pool(1);
        std::string text(size, 'x');
        text.front() = 'a';
        text.back() = 'z';
        long const before = blocks_of_arguments();
        REQUIRE(before >= 0);
        REQUIRE(pool.submit(give_back_text, text).result() == text);
        CAPTURE(size);
        REQUIRE((blocks_of_arguments() > before) == (size >= threshold));
    }
}

TEST_CASE("payload: an array that is built in place is not copied", "[payload]") {
    process_executor pool(1);
    auto built = shared_row(pool, 1);
    REQUIRE(is_shared(built.data(), "green-arguments"));
    auto const sum = pool.submit(sum_of, std::move(built));
    REQUIRE(built.empty());  // NOLINT(bugprone-use-after-move)
    REQUIRE(sum.result() == sum_to_many);
    REQUIRE(
        pool.submit(sum_of, std::move(built)).result() == 0
    );  // NOLINT(bugprone-use-after-move)
    // Its memory is there for the next one.
    auto again = shared_row(pool, 3);
    const void* const place = again.data();
    pool.submit(sum_of, std::move(again)).result();
    REQUIRE(shared_row(pool, 3).data() == place);
}

TEST_CASE("payload: one array is sent to several jobs", "[payload]") {
    process_executor pool(2);
    shared_array<const int> const values = shared_row(pool, 1);
    std::vector<future<bool>> shared;
    std::vector<future<long>> sums;
    for (int i = 0; i < 10; ++i) {
        shared.push_back(pool.submit(arrives_shared, values));
        sums.push_back(pool.submit(sum_of, values));
    }
    for (auto& s : shared) REQUIRE(s.result());
    for (auto& s : sums) REQUIRE(s.result() == sum_to_many);
    REQUIRE(values.size() == many);
}

TEST_CASE("payload: a job's array comes back as a view", "[payload]") {
    belongings const before;
    shared_array<const int> outliving;
    {
        process_executor pool(1);
        auto const view = pool.submit(make_row, 5, many).result();
        REQUIRE(is_shared(view.data(), "green-results"));
        int const pid = pool.submit(own_pid).result();
        ::kill(pid, SIGKILL);
        wait_until_gone(pid);
        REQUIRE(pool.submit(square, 2).result() == 4);
        REQUIRE(is_row(view, 5));
        outliving = pool.submit(make_row, 6, many).result();
    }
    REQUIRE(is_row(outliving, 6));
    outliving = {};
    REQUIRE(belongings() == before);
}

TEST_CASE("payload: a view's memory is used again when it is gone", "[payload]") {
    process_executor_options options;
    options.max_workers = 1;
    options.arena_size = 8 * mib;
    process_executor pool(options);
    for (int i = 0; i < 100; ++i) {
        auto const one = pool.submit(make_row, i, many).result();
        auto const two = pool.submit(make_row, i + 1, many).result();
        REQUIRE(is_shared(one.data(), "green-results"));
        REQUIRE(is_shared(two.data(), "green-results"));
        REQUIRE(is_row(one, i));
        REQUIRE(is_row(two, i + 1));
    }
    std::vector<shared_array<const int>> held;
    for (int i = 0; i < 20; ++i) held.push_back(pool.submit(make_row, i, many).result());
    for (int i = 0; i < 20; ++i) REQUIRE(is_row(held[static_cast<std::size_t>(i)], i));
}

TEST_CASE("payload: arrays of others are copied", "[payload]") {
    process_executor pool(1);
    process_executor other(1);
    auto from_job = pool.submit(make_row, 1, many).result();
    REQUIRE(is_row(pool.submit(give_back, std::move(from_job)).result(), 1));
    REQUIRE(is_row(other.submit(give_back, shared_row(pool, 2)).result(), 2));
    REQUIRE_FALSE(other.submit(arrives_shared, shared_row(pool, 2)).result());
    REQUIRE(is_row(pool.submit(give_back, shared_row(pool, 3)).result(), 3));
    REQUIRE(is_row(other.submit(give_back, allocate_shared<int>(0)).result(), 0, 0));
}

TEST_CASE("payload: an array that a job keeps is not overwritten", "[payload]") {
    process_executor pool(1);
    auto built = shared_row(pool, 41);
    const void* const place = built.data();
    pool.submit(keep, std::move(built)).result();
    for (int i = 0; i < 5; ++i) {
        auto next = shared_row(pool, 0);
        REQUIRE(next.data() != place);
        pool.submit(sum_of, std::move(next)).result();
    }
    REQUIRE(pool.submit(first_kept).result() == 41);
    pool.submit(kill_itself, SIGKILL).exception();
    pool.submit(square, 1).result();
    REQUIRE(shared_row(pool, 0).data() == place);  // it was the worker's until its end
}

TEST_CASE("payload: a job cannot write to its arguments", "[payload]") {
    process_executor pool(1);
    auto const wild = pool.submit(write_to_argument, shared_row(pool, 0));
    REQUIRE_THROWS_AS(wild.result(), worker_died);
    REQUIRE(pool.submit(sum_of, shared_row(pool, 0, 3)).result() == 3);
}

TEST_CASE("payload: a cancelled job gives its arrays back", "[payload]") {
    meeting_point gate;
    process_executor pool(1);
    auto running = pool.submit(pass_gate, gate.path(), 1);
    gate.wait_for(1);
    auto built = shared_row(pool, 0);
    const void* const place = built.data();
    auto queued = pool.submit(sum_of, std::move(built));
    REQUIRE(shared_row(pool, 0).data() != place);
    REQUIRE(queued.cancel());
    REQUIRE(shared_row(pool, 0).data() == place);
    gate.value() = 1000;
    REQUIRE(running.result() == 1);
    pool.shutdown();
    built = shared_row(pool, 0);
    REQUIRE_THROWS_AS(pool.submit(sum_of, std::move(built)), executor_error);
    REQUIRE(shared_row(pool, 0).data() == place);
}

TEST_CASE("payload: a job that is tried again has its arguments", "[payload]") {
    process_executor pool(1);
    meeting_point first;
    job_options twice;
    twice.retries = 1;
    REQUIRE(pool.submit(twice, die_with, row(0, many), first.path()).result() == many);
    meeting_point second;
    auto const sum = pool.submit(twice, die_with_array, shared_row(pool, 1), second.path());
    REQUIRE(sum.result() == sum_to_many);
}

TEST_CASE("payload: structs and several arrays", "[payload]") {
    struct both {
        int number;
        shared_array<const int> first;
        std::vector<shared_array<const double>> more;
    };
    auto const swap = [](both b) {
        auto d = allocate_shared<double>(b.first.size());
        std::copy(b.first.begin(), b.first.end(), d.begin());
        auto i = allocate_shared<int>(b.more.at(0).size());
        std::copy(b.more.at(0).begin(), b.more.at(0).end(), i.begin());
        both result{b.number + 1, std::move(i), {}};
        result.more.push_back(std::move(d));
        return result;
    };
    process_executor pool(1);
    both sent{1, shared_row(pool, 1, 5), {}};
    auto halves = pool.allocate_shared<double>(2);
    halves[0] = 8;
    halves[1] = 9;
    sent.more.push_back(std::move(halves));
    auto const got = pool.submit(swap, std::move(sent)).result();
    REQUIRE(got.number == 2);
    REQUIRE(is_row(got.first, 8, 2));
    REQUIRE(got.more.at(0)[4] == 5);
}

TEST_CASE("payload: a worker in a sandbox has it too", "[payload]") {
    if (!sandbox_available()) return;
    process_executor pool({.max_workers = 1, .initializer = enter_sandbox});
    REQUIRE(pool.submit(doubled, row(1, many)).result().size() == 2 * many);
    REQUIRE(is_row(pool.submit(make_row, 3, many).result(), 3));
    REQUIRE(is_row(pool.submit(make_row, 3, 100 * many).result(), 3, 100 * many));
}
