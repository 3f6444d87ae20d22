#include "executor/process_jobs.hpp"

#include <green/executor/process_executor.hpp>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>

using namespace green;
using namespace green_test;

// Processes of a pool are killed at random while it works: its fork server, its workers, and those of
// both that are about to begin. GREEN_CHAOS_KILLS and GREEN_CHAOS_SEED say how often and how;
// `./dev chaos` does it a thousand times, twenty times in a row.

namespace {

constexpr std::size_t pool_size = 3;
constexpr int large = 70'000;  // ints: goes through shared memory
constexpr const char* starts_variable = "GREEN_CHAOS_STARTS";

// What workers and the test tell each other.
enum : std::size_t { victim_is_wanted, victim_pid, begun_pids };
constexpr std::size_t pid_places = 1 << 16;

std::size_t place_of(int pid) { return begun_pids + static_cast<std::size_t>(pid) % pid_places; }

/// In a worker.
const shared_numbers& own_starts() {
    static shared_numbers const starts{std::string(std::getenv(starts_variable))};
    return starts;
}

void initialize() {
    if (own_starts()[victim_is_wanted].exchange(0) == 0) return;
    own_starts()[victim_pid] = ::getpid();
    for (;;) ::pause();
}

/// Says that its worker has begun, counts itself, and works a little.
std::vector<int> work(const std::string& runs_path, int job, int rounds, std::vector<int> values) {
    own_starts()[place_of(::getpid())] = ::getpid();
    shared_numbers const runs(runs_path);
    ++runs[static_cast<std::size_t>(job)];
    volatile unsigned sink = 0;
    for (int i = 0; i < rounds; ++i) sink = sink + static_cast<unsigned>(i);
    for (int& v : values) v += job;
    return values;
}

std::vector<int> numbers_from(int first, std::size_t n) {
    std::vector<int> numbers(n);
    std::iota(numbers.begin(), numbers.end(), first);
    return numbers;
}

/// Processes whose parent has died become children of this one, so that none can hide.
class orphanage {
public:
    orphanage() : before_(children_of(::getpid())) {
        REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    }
    orphanage(const orphanage&) = delete;
    orphanage& operator=(const orphanage&) = delete;
    ~orphanage() { ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); }

    /// Waits for the end of all, and says how many there were.
    std::size_t reap() const {
        std::size_t count = 0;
        for (int const pid : children_of(::getpid())) {
            if (std::find(before_.begin(), before_.end(), pid) != before_.end()) continue;
            int status = 0;
            REQUIRE(::waitpid(pid, &status, 0) == pid);
            ++count;
        }
        return count;
    }

private:
    std::vector<int> before_;
};

/// The fork server of the one pool that there is; 0: there is none at present. It is the child of the
/// pool's own thread. What a dead server leaves may look like one for a moment, but that comes to the
/// first thread; another one starts those of `process`.
int present_server() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string name;
        if (!(std::ifstream(entry.path() / "comm") >> name) || name != "green-processes") continue;
        std::ifstream children(entry.path() / "children");
        for (int pid = 0; children >> pid;) {
            if (is_running(pid)) return pid;
        }
    }
    return 0;
}

/// What an idle pool consists of.
struct picture {
    std::size_t own_descriptors;
    std::size_t server_descriptors;
};
/// When all of its processes are there, none else, and the pool has buried the others; the watchdog
/// bounds that.
picture picture_of(process_executor& pool) {
    for (;;) {
        pool.warm().result();
        int const server = present_server();
        std::string const path = std::to_string(server);
        auto const workers = children_of(server);
        bool const settled = workers.size() == pool_size && pool.stats().workers == pool_size &&
            std::all_of(workers.begin(), workers.end(), is_running) && status_of(path).state == 'S';
        if (settled) {
            // The server has told the pool of every end, and waits. The pool answers the first at the end
            // of a round that may have begun before; it hears all in the round of the second.
            pool.warm().result();
            pool.warm().result();
            return {open_descriptors(), descriptors_of(path)};
        }
        std::this_thread::sleep_for(1ms);
    }
}

class chaos {
public:
    chaos(std::size_t kills, unsigned seed, const std::string& starts)
        : kills_(kills), random_(seed), runs_(kills * jobs_per_kill), starts_(starts) {}

    void run(process_executor& pool) {
        while (killed() < kills_) {
            keep_busy(pool);
            kill_one(pool);
        }
        while (!waiting_.empty()) take_one();
    }

    /// Every job has ended; none ran twice, and none that gave a value did not run.
    void check() {
        for (std::size_t i = 0; i < retries_.size(); ++i) REQUIRE(runs_[i] <= 1 + retries_[i]);
        REQUIRE(values_ > 0);
        // A fork server takes its workers along; some may be about to retire.
        REQUIRE(died_ <= workers_ + beginners_ + 2 * pool_size * servers_);
        REQUIRE(workers_ > 0);
        REQUIRE(beginners_ > 0);
        REQUIRE(servers_ > 0);
    }

    void describe() const {
        std::printf(
            "chaos: killed %zu workers, %zu before their first job, %zu fork servers; %zu jobs of "
            "%zu died\n",
            workers_, beginners_, servers_, died_, retries_.size()
        );
    }

private:
    static constexpr std::size_t jobs_per_kill = 1000;
    static constexpr std::size_t most_waiting = 100;

    struct entry {
        int job;
        std::size_t size;
        future<std::vector<int>> outcome;
    };

    std::size_t draw(int below) {
        return static_cast<std::size_t>(std::uniform_int_distribution<int>(0, below - 1)(random_));
    }
    std::size_t killed() const { return workers_ + beginners_ + servers_; }

    void keep_busy(process_executor& pool) {
        REQUIRE(retries_.size() < (kills_ - 1) * jobs_per_kill);
        submit_some(pool);
        while (waiting_.size() > most_waiting) take_one();
    }

    void submit_some(process_executor& pool) {
        for (std::size_t i = 1 + draw(20); i > 0; --i) {
            int const job = static_cast<int>(retries_.size());
            int const rounds = draw(10) == 0 ? 100'000 : 100;
            std::size_t const size = draw(50) == 0 ? large : 1;
            int const retries = draw(5) == 0 ? 2 : 0;
            job_options options;
            options.retries = static_cast<unsigned>(retries);
            auto f = pool.submit(options, work, runs_.path(), job, rounds, numbers_from(0, size));
            waiting_.push_back({job, size, std::move(f)});
            retries_.push_back(retries);
        }
    }

    void take_one() {
        entry e = std::move(waiting_.front());
        waiting_.pop_front();
        try {
            bool const right = e.outcome.result() == numbers_from(e.job, e.size);
            REQUIRE(right);
            REQUIRE(runs_[static_cast<std::size_t>(e.job)] >= 1);
            ++values_;
        } catch (const worker_died&) {
            ++died_;
        }
    }

    void kill_one(process_executor& pool) {
        std::size_t const turn = killed() % 10;
        if (turn == 3) {
            kill_server(pool);
        } else if (turn == 7) {
            kill_in_initializer(pool);
        } else {
            kill_worker(pool);
        }
    }

    /// Of the present server; 0: there is none.
    int some_worker() {
        auto const workers = children_of(present_server());
        return workers.empty() ? 0 : workers[draw(static_cast<int>(workers.size()))];
    }
    /// It has been given a job, so the pool knows that it was ready.
    bool has_begun(int pid) const { return starts_[place_of(pid)] == pid; }

    void kill_worker(process_executor& pool) {
        int const pid = some_worker();
        auto const known = children_of(present_server());
        bool const begun = has_begun(pid);
        if (pid == 0 || !kill(pid)) return;
        ++(begun ? workers_ : beginners_);
        if (!begun) let_one_start(pool, known);
    }

    /// Often the next one too, which has just been started.
    void kill_server(process_executor& pool) {
        int const first = present_server();
        if (first == 0 || !kill(first)) return;
        ++servers_;
        if (draw(2) == 0) {
            int second = 0;
            while (second == 0 || second == first) {
                keep_complete(pool);
                second = present_server();
            }
            servers_ += kill(second);
        }
        let_one_start(pool, {});
    }

    void kill_in_initializer(process_executor& pool) {
        int const pid = some_worker();
        if (pid == 0 || !has_begun(pid)) return;
        starts_[victim_is_wanted] = 1;
        bool const done = kill(pid);
        if (!done && starts_[victim_is_wanted].exchange(0) != 0) return;  // none comes in its place
        workers_ += done;
        while (starts_[victim_pid] == 0) keep_complete(pool);  // the one in its place
        auto const known = children_of(present_server());
        beginners_ += kill(starts_[victim_pid].exchange(0));
        let_one_start(pool, known);
    }

    /// A pool that has done all there is replaces nobody without being asked.
    void keep_complete(process_executor& pool) {
        pool.warm();
        keep_busy(pool);
    }

    /// A worker that is none of those. A pool is given up when the third start in a row has failed.
    void let_one_start(process_executor& pool, const std::vector<int>& known) {
        auto const is_new = [&](int pid) {
            return has_begun(pid) && std::find(known.begin(), known.end(), pid) == known.end();
        };
        for (bool started = false; !started;) {
            keep_complete(pool);
            int const server = present_server();
            if (victims_.contains(server)) continue;  // it is about to go
            auto const workers = children_of(server);
            started = std::any_of(workers.begin(), workers.end(), is_new);
        }
    }

    /// A process killed before may take a while to go: none is started in place of that one again.
    bool kill(int pid) { return victims_.insert(pid).second && ::kill(pid, SIGKILL) == 0; }

    std::size_t kills_;
    std::mt19937 random_;
    shared_numbers runs_;
    shared_numbers starts_;
    std::deque<entry> waiting_;
    std::vector<int> retries_;  // by job
    std::set<int> victims_;
    std::size_t workers_ = 0;
    std::size_t beginners_ = 0;
    std::size_t servers_ = 0;
    std::size_t values_ = 0;
    std::size_t died_ = 0;
};

/// `part` of the kills, on a pool with these options.
void survive(process_executor_options options, std::size_t part) {
    std::size_t const kills = number_from("GREEN_CHAOS_KILLS", 200) / part;
    auto const seed = static_cast<unsigned>(number_from("GREEN_CHAOS_SEED", std::random_device()())
    );
    CAPTURE(seed);
    std::printf("chaos: seed %u\n", seed);
    shared_numbers const starts(begun_pids + pid_places);
    ::setenv(starts_variable, starts.path().c_str(), 1);  // a pool keeps a copy
    options.max_workers = pool_size;
    options.initializer = initialize;
    belongings const before;
    orphanage const home;
    picture fresh{};
    {
        process_executor pool(options);
        fresh = picture_of(pool);
    }
    {
        process_executor pool(options);
        chaos c(kills, seed, starts.path());
        c.run(pool);
        c.describe();
        c.check();
        REQUIRE(pool.submit(square, 3).result() == 9);
        picture const after = picture_of(pool);
        REQUIRE(after.own_descriptors == fresh.own_descriptors);
        REQUIRE(after.server_descriptors == fresh.server_descriptors);
    }
    ::unsetenv(starts_variable);
    REQUIRE(home.reap() > 0);  // what was left by the servers has ended
    REQUIRE(belongings() == before);
}

}  // namespace

TEST_CASE("process_executor: processes are killed at random", "[process_executor][chaos]") {
    survive({}, 2);
}

TEST_CASE(
    "process_executor: workers started by exec are killed at random", "[process_executor][chaos]"
) {
    process_executor_options options;
    options.method = start_method::exec;
    survive(options, 4);
}

TEST_CASE(
    "process_executor: workers that retire are killed at random", "[process_executor][chaos]"
) {
    process_executor_options options;
    options.max_tasks_per_child = 7;
    survive(options, 4);
}
