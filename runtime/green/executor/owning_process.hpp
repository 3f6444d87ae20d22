#pragma once

// Internal: to which process something with threads belongs.

#include <atomic>
#include <memory>

namespace green::detail {

/// In how many forks, one from the other, this process is. Counted, for to ask for the pid is a system
/// call.
extern std::atomic<unsigned> fork_generation;

/// A fork leaves a copy of everything in another process, but no thread of it: the copy can be neither
/// used nor ended there, and its locks may be held for ever.
class owning_process {
public:
    /// It is this one.
    void take() noexcept {
        generation_.store(
            fork_generation.load(std::memory_order_relaxed), std::memory_order_relaxed
        );
    }
    /// The same unless another one has. Whether it is this one.
    bool claim() noexcept {
        if (generation_.load(std::memory_order_relaxed) == none) take();
        return is_this();
    }
    /// Not a fork of the one that has taken it. As long as none has, every one is.
    bool is_this() const noexcept {
        unsigned const owner = generation_.load(std::memory_order_relaxed);
        return owner == none || owner == fork_generation.load(std::memory_order_relaxed);
    }

private:
    static constexpr unsigned none = 0;

    std::atomic<unsigned> generation_{none};
};

/// For what belongs to another process, whose threads could be neither joined nor detached.
void keep_for_ever(std::shared_ptr<void> what);

}  // namespace green::detail
