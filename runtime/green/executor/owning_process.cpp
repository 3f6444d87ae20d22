#include <green/executor/owning_process.hpp>

#include <mutex>
#include <utility>
#include <vector>

#include <pthread.h>

namespace green::detail {
namespace {

// Not for a fork without handlers (vfork, clone), after which nothing of this is allowed anyway.
[[maybe_unused]] int const registered = ::pthread_atfork(nullptr, nullptr, [] {
    fork_generation.fetch_add(1, std::memory_order_relaxed);
});

}  // namespace

constinit std::atomic<unsigned> fork_generation{1};

void keep_for_ever(std::shared_ptr<void> what) {
    static auto& mutex = *new std::mutex;
    static auto& kept = *new std::vector<std::shared_ptr<void>>;  // reachable, so no leak
    std::lock_guard const lock(mutex);
    kept.push_back(std::move(what));
}

}  // namespace green::detail
