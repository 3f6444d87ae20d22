#include "executor/process_jobs.hpp"

#include <green/executor/process_executor.hpp>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using namespace green;
using namespace green_test;

// Workers are killed at random while large data is on its way to them and back. GREEN_CHAOS_SEED says
// how.

namespace {

constexpr std::size_t pid_places = 8;

void note_pid(const std::string& path) {
    shared_numbers const pids(path);
    int const pid = ::getpid();
    pids[static_cast<std::size_t>(pid) % pid_places] = pid;
}

std::vector<int> next_row(const std::string& pids, std::vector<int> values) {
    note_pid(pids);
    for (int& v : values) ++v;
    return values;
}
shared_array<const int> next_array(const std::string& pids, shared_array<const int> values) {
    note_pid(pids);
    auto next = allocate_shared<int>(values.size());
    std::transform(values.begin(), values.end(), next.begin(), [](int v) { return v + 1; });
    return next;
}

template <class Row>
bool is_row(const Row& values, int first, std::size_t n) {
    std::vector<int> expected(n);
    std::iota(expected.begin(), expected.end(), first);
    return std::equal(values.begin(), values.end(), expected.begin(), expected.end());
}

class payload_chaos {
public:
    payload_chaos(std::size_t kills, unsigned seed)
        : kills_(kills), random_(seed), pids_(pid_places) {}

    void run(process_executor& pool) {
        for (int i = 0; killed_ < kills_; ++i) {
            submit_one(pool, i);
            killed_ += kill_one();
            while (waiting_.size() > 6) take_one();
        }
        while (!waiting_.empty()) take_one();
        REQUIRE(values_ > 0);
        REQUIRE(died_ <= killed_);
    }

private:
    struct entry {
        int first;
        std::size_t size;
        future<std::vector<int>> row;
        future<shared_array<const int>> array;
        bool is_row;
    };

    std::size_t draw(std::size_t below) {
        return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_);
    }

    void submit_one(process_executor& pool, int first) {
        entry e{first, 70'000 + draw(100'000), {}, {}, draw(2) == 0};
        if (e.is_row) {
            std::vector<int> values(e.size);
            std::iota(values.begin(), values.end(), first);
            e.row = pool.submit(next_row, pids_.path(), std::move(values));
        } else {
            auto values = pool.allocate_shared<int>(e.size);
            std::iota(values.begin(), values.end(), first);
            e.array = pool.submit(next_array, pids_.path(), std::move(values));
        }
        waiting_.push_back(std::move(e));
    }

    void take_one() {
        entry e = std::move(waiting_.front());
        waiting_.pop_front();
        try {
            bool const right = e.is_row ? is_row(e.row.result(), e.first + 1, e.size)
                                        : is_row(e.array.result(), e.first + 1, e.size);
            REQUIRE(right);
            ++values_;
        } catch (const worker_died&) {
            ++died_;
        }
    }

    std::size_t kill_one() {
        if (draw(2) != 0) return 0;
        int const pid = pids_[draw(pid_places)].exchange(0);
        if (pid == 0 || !is_of_a_pool(pid)) return 0;
        return ::kill(pid, SIGKILL) == 0 ? 1 : 0;
    }

    std::size_t kills_;
    std::mt19937 random_;
    shared_numbers pids_;
    std::deque<entry> waiting_;
    std::size_t killed_ = 0;
    std::size_t values_ = 0;
    std::size_t died_ = 0;
};

}  // namespace

TEST_CASE("payload: workers are killed at random with large data", "[payload][chaos]") {
    const char* const chosen = std::getenv("GREEN_CHAOS_SEED");
    auto const seed = chosen ? static_cast<unsigned>(std::atoll(chosen)) : std::random_device()();
    CAPTURE(seed);
    belongings const before;
    for (std::size_t const arena_size : {std::size_t{64} << 20, std::size_t{3} << 20}) {
        process_executor_options options;
        options.max_workers = 3;
        options.arena_size = arena_size;
        process_executor pool(options);
        payload_chaos(20, seed).run(pool);
        // All of the arena is free again.
        REQUIRE(is_shared(pool.allocate_shared<char>(arena_size).data(), "green-arguments"));
    }
    REQUIRE(belongings() == before);
}
