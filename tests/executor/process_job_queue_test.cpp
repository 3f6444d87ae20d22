#include "support/catch.hpp"

#include <green/executor/process_job.hpp>

#include <vector>

using namespace green;
using namespace green::detail;

namespace {

class idle_job final : public future_state<void>, public process_job {
public:
    explicit idle_job(int priority)
        : process_job(nullptr, job_options{.priority = priority}, false) {}

    void add_ref() noexcept { future_state<void>::add_ref(); }
    void drop_ref() noexcept { future_state<void>::drop_ref(); }

    future_base& state() noexcept override { return *this; }
    void receive(std::span<const std::byte>, shared_borrower*) noexcept override {}
    void fail(std::exception_ptr) noexcept override {}
};

state_ref<idle_job> make_job(int priority) { return make_state<idle_job>(priority); }
job_ref as_job(const state_ref<idle_job>& job) { return job_ref(job.get()); }

}  // namespace

TEST_CASE("process_job_queue: the greatest priority first", "[process_executor]") {
    process_job_queue queue;
    REQUIRE(queue.empty());
    std::vector<state_ref<idle_job>> jobs;
    for (int const priority : {0, 5, -3, 5, 0}) {
        jobs.push_back(make_job(priority));
        queue.push_back(as_job(jobs.back()));
    }
    REQUIRE(queue.size() == 5);
    REQUIRE(queue.remove(*jobs[1]).get() == jobs[1].get());
    REQUIRE(&queue.front() == jobs[3].get());
    queue.push_front(as_job(jobs[1]));
    for (std::size_t const next : {1U, 3U, 0U, 4U, 2U}) {
        REQUIRE(queue.pop().get() == jobs[next].get());
    }
    REQUIRE(queue.empty());
}

// Deadlines as priorities: each is used once. What they leave behind would make this take minutes.
TEST_CASE("process_job_queue: any number of priorities", "[process_executor]") {
    process_job_queue queue;
    for (int priority = 0; priority > -200'000; --priority) {
        queue.push_back(as_job(make_job(priority)));
        queue.pop();
    }
    REQUIRE(queue.empty());
}
