#pragma once

#include <green/executor/executor_error.hpp>

#include <cstddef>
#include <string>

#include <sys/types.h>

namespace green {

/// A process that took items from a `process_queue` was killed, or ended without calling them done. What
/// it held is lost, what was on the way to it included; nothing else is. `what()` names the process and
/// the number of items.
class peer_died : public executor_error {
public:
    peer_died(const std::string& text, pid_t pid, std::size_t items)
        : executor_error(text), pid_(pid), items_(items) {}

    pid_t pid() const noexcept { return pid_; }
    /// How many items are lost with it.
    std::size_t items() const noexcept { return items_; }

private:
    pid_t pid_;
    std::size_t items_;
};

}  // namespace green
