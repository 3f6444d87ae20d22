#include <green/sync/wait_queue.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace green::detail {

void wait_node::throw_orphaned() const {
    throw std::logic_error("green: what this task waited for was destroyed");
}

// Always here: the caller may be built with assertions while this library is not.
[[noreturn]] void abort_for_orphan(const wait_node& n) noexcept;

void abort_for_orphan(const wait_node& n) noexcept {
    std::string text = "green: destroyed while task " + n.task().label() + " waits for it: ";
    n.describe(text);
    std::fprintf(stderr, "%s\n", text.c_str());
    std::abort();
}

}  // namespace green::detail
