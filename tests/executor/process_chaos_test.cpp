#include "executor/process_jobs.hpp"

#include <green/executor/process_executor.hpp>

#include <array>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using namespace green;
using namespace green_test;

// Processes of a pool are killed at random while it works. GREEN_CHAOS_KILLS and GREEN_CHAOS_SEED say
// how often and how.

namespace {

constexpr std::size_t pid_places = 16;

/// Says which processes are there, counts itself, and works a little.
int work(const std::string& runs_path, const std::string& pids_path, int job, int rounds) {
    shared_numbers const runs(runs_path);
    shared_numbers const pids(pids_path);
    int const pid = ::getpid();
    pids[static_cast<std::size_t>(pid) % pid_places] = pid;
    pids[pid_places] = ::getppid();
    ++runs[static_cast<std::size_t>(job)];
    volatile unsigned sink = 0;
    for (int i = 0; i < rounds; ++i) sink = sink + static_cast<unsigned>(i);
    return job;
}

class chaos {
public:
    chaos(std::size_t kills, unsigned seed)
        : kills_(kills), random_(seed), runs_(kills * jobs_per_kill), pids_(pid_places + 1) {}

    void run(process_executor& pool) {
        std::size_t killed = 0;
        while (killed < kills_ && jobs_.size() < kills_ * jobs_per_kill) {
            submit_some(pool);
            killed += kill_one();
            if (jobs_.size() > most_waiting) jobs_[jobs_.size() - most_waiting].outcome.exception();
        }
        REQUIRE(killed == kills_);
    }

    /// Every job ended; none ran twice, and none that gave a value did not run.
    void check() {
        std::size_t died = 0;
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            auto& [outcome, retries] = jobs_[i];
            bool const failed = outcome.exception() != nullptr;
            died += failed;
            if (failed) {
                REQUIRE_THROWS_AS(outcome.result(), worker_died);
            } else {
                REQUIRE(outcome.result() == static_cast<int>(i));
                REQUIRE(runs_[i] >= 1);
            }
            REQUIRE(runs_[i] <= 1 + retries);
        }
        INFO(died << " of " << jobs_.size() << " jobs died");
        REQUIRE(died <= kills_ * 4);  // a fork server takes its workers along
    }

private:
    static constexpr std::size_t jobs_per_kill = 1000;
    static constexpr std::size_t most_waiting = 100;

    struct entry {
        future<int> outcome;
        int retries;
    };

    std::size_t draw(int below) {
        return static_cast<std::size_t>(std::uniform_int_distribution<int>(0, below - 1)(random_));
    }

    void submit_some(process_executor& pool) {
        std::size_t const most = kills_ * jobs_per_kill - jobs_.size();
        for (std::size_t i = std::min(1 + draw(20), most); i > 0; --i) {
            int const job = static_cast<int>(jobs_.size());
            int const rounds = draw(10) == 0 ? 100'000 : 100;
            unsigned const retries = draw(5) == 0 ? 2 : 0;
            auto f = pool.submit(
                job_options{.retries = retries}, work, runs_.path(), pids_.path(), job, rounds
            );
            jobs_.push_back({std::move(f), static_cast<int>(retries)});
        }
    }
    std::size_t kill_one() {
        std::size_t const place = draw(20) == 0 ? pid_places : draw(pid_places);
        int const pid = pids_[place].exchange(0);
        if (pid == 0 || !is_of_a_pool(pid)) return 0;
        return ::kill(pid, SIGKILL) == 0 ? 1 : 0;
    }

    std::size_t kills_;
    std::mt19937 random_;
    shared_numbers runs_;
    shared_numbers pids_;
    std::vector<entry> jobs_;
};

}  // namespace

TEST_CASE("process_executor: processes are killed at random", "[process_executor][chaos]") {
    std::size_t const kills = number_from("GREEN_CHAOS_KILLS", 200);
    auto const seed = static_cast<unsigned>(number_from("GREEN_CHAOS_SEED", std::random_device()())
    );
    CAPTURE(seed);
    std::printf("chaos: seed %u\n", seed);
    belongings const before;
    {
        chaos c(kills, seed);
        process_executor pool(3);
        c.run(pool);
        c.check();
        REQUIRE(pool.submit(square, 3).result() == 9);
    }
    REQUIRE(belongings() == before);
}
