#include "executor/process_queue_support.hpp"
#include "support/catch.hpp"
#include "support/random.hpp"

#include <green/executor/process.hpp>

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace green;
using namespace green_test;

// Consumers of a queue are killed at random while it works. GREEN_CHAOS_KILLS and GREEN_CHAOS_SEED say
// how often and how.

namespace {

using numbers = process_queue<int>;

constexpr int producers = 2;
constexpr int consumers = 4;
constexpr std::size_t most_items = 1'000'000;
/// After the counts of the items: whether to stop, and how many each producer has put.
constexpr std::size_t stop_place = most_items;
constexpr std::size_t put_place = most_items + 1;

void consume(const numbers& q, const std::string& path) {
    shared_numbers const counts(path);
    try {
        for (;;) {
            int const item = q.get();
            ++counts[static_cast<std::size_t>(item)];
            q.task_done();
        }
    } catch (const closed_error&) {}
}

void produce(const numbers& q, const std::string& path, int number) {
    shared_numbers const counts(path);
    std::atomic<int>& put = counts[put_place + static_cast<std::size_t>(number)];
    for (int item = number; item < static_cast<int>(most_items); item += producers) {
        if (counts[stop_place] != 0) return;
        q.put(item);
        ++put;
    }
}

class chaos {
public:
    explicit chaos(std::uint64_t seed)
        : random_(seed), counts_(most_items + 1 + producers), q_(16) {}

    void run(std::size_t kills) {
        for (int i = 0; i < producers; ++i) {
            producers_.push_back(process::start<produce>(q_, counts_.path(), i));
        }
        for (int i = 0; i < consumers; ++i) consumers_.push_back(start());
        while (killed_.size() < kills) {
            std::this_thread::sleep_for(std::chrono::microseconds(random_.below(3000)));
            process& victim = consumers_[static_cast<std::size_t>(random_.below(consumers))];
            victim.kill();
            victim.join();
            killed_.insert(victim.pid());
            victim = start();
        }
        counts_[stop_place] = 1;
        for (const process& p : producers_) REQUIRE(p.ended().result() == 0);
    }

    /// Every item was dealt with once, or is lost with a process that was killed.
    void check() {
        std::map<pid_t, std::size_t> lost = wait_for_the_rest();
        REQUIRE(q_.empty());
        REQUIRE(q_.unfinished() == 0);
        q_.close();
        for (const process& p : consumers_) REQUIRE(p.ended().result() == 0);

        std::size_t items_lost = 0;
        for (const auto& [pid, items] : lost) {
            REQUIRE(killed_.contains(pid));
            REQUIRE(items <= 1);  // a consumer holds one at a time
            items_lost += items;
        }
        std::size_t missed = 0;
        std::size_t put = 0;
        for (int p = 0; p < producers; ++p) {
            int const count = counts_[put_place + static_cast<std::size_t>(p)];
            put += static_cast<std::size_t>(count);
            for (int i = 0; i < count; ++i) {
                int const seen = counts_[static_cast<std::size_t>(p + i * producers)];
                REQUIRE(seen <= 1);
                missed += seen == 0;
            }
        }
        INFO(put << " items, " << missed << " not seen, " << items_lost << " lost");
        REQUIRE(missed <= items_lost);
        // Some were seen, and not called done.
        REQUIRE(items_lost <= lost.size());
        REQUIRE(put > killed_.size());
    }

private:
    process start() { return process::start<consume>(q_, counts_.path()); }

    std::map<pid_t, std::size_t> wait_for_the_rest() {
        std::map<pid_t, std::size_t> lost;
        for (;;) {
            try {
                q_.join();
                return lost;
            } catch (const peer_died& e) {
                REQUIRE(lost.emplace(e.pid(), e.items()).second);  // once
            }
        }
    }

    random_source random_;
    shared_numbers counts_;
    numbers q_;
    std::vector<process> producers_;
    std::vector<process> consumers_;
    std::set<pid_t> killed_;
};

void consume_text(const process_queue<std::string>& q) {
    for (;;) {
        std::string const item = q.get();
        q.task_done();
    }
}
void produce_text(const process_queue<std::string>& q, std::size_t size) {
    for (;;) q.put(std::string(size, 'x'));
}

}  // namespace

// While half of an item is on its way, on either side.
TEST_CASE("process_queue: processes are killed amid large items", "[process_queue][chaos]") {
    constexpr std::size_t size = 1'000'000;
    random_source random(std::random_device{}());
    process_queue<std::string> const q(2);
    for (int i = 0; i < 30; ++i) {
        process const producer = process::start<produce_text>(q, size);
        process const consumer = process::start<consume_text>(q);
        std::this_thread::sleep_for(std::chrono::microseconds(random.below(10'000)));
        (i % 2 == 0 ? producer : consumer).kill();
        std::this_thread::sleep_for(std::chrono::microseconds(random.below(3'000)));
        (i % 2 == 0 ? consumer : producer).kill();
        producer.join();
        consumer.join();
    }
    // What is left is whole, and the rest is accounted for.
    q.close();
    bool empty = false;
    while (!empty) {
        try {
            std::string const item = q.get();
            REQUIRE(item.size() == size);
            q.task_done();
        } catch (const closed_error&) {
            empty = true;
        }
    }
    std::size_t told = 0;
    for (bool done = false; !done;) {
        try {
            q.join();
            done = true;
        } catch (const peer_died& e) {
            REQUIRE(e.items() <= 1);
            ++told;
        }
    }
    REQUIRE(told <= 30);
    REQUIRE(q.unfinished() == 0);
}

TEST_CASE("process_queue: consumers are killed at random", "[process_queue][chaos]") {
    std::size_t const kills = number_from("GREEN_CHAOS_KILLS", 200);
    std::uint64_t const seed = number_from("GREEN_CHAOS_SEED", std::random_device()());
    CAPTURE(seed);
    std::printf("chaos: seed %llu\n", static_cast<unsigned long long>(seed));
    process::start<[] {}>().join();
    belongings const before;
    {
        chaos c(seed);
        c.run(kills);
        c.check();
    }
    REQUIRE(belongings() == before);
}
