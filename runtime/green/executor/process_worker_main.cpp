#include <green/executor/process_worker_main.hpp>

#include <green/core/process_role.hpp>
#include <green/executor/descriptor.hpp>
#include <green/executor/fork_server.hpp>
#include <green/executor/worker.hpp>
#include <green/executor/worker_protocol.hpp>

#include <cstdlib>
#include <string_view>

#include <unistd.h>

namespace green {
namespace detail {
namespace {

void play_role(const char* text) {
    std::string_view const role(text);
    auto const colon = role.rfind(':');
    if (colon == std::string_view::npos) return;
    auto const parent = static_cast<pid_t>(std::atol(text + colon + 1));
    std::string_view const name = role.substr(0, colon);
    if (name == fork_server_role) fork_server_main(parent);
    if (name != worker_role) return;
    ::close_range(first_passed_descriptor + 2, ~0U, 0);
    worker_main(
        descriptor(first_passed_descriptor), descriptor(first_passed_descriptor + 1), parent
    );
}

// An executable that makes no use of this file starts no processes for it.
[[maybe_unused]] bool const registered = (set_process_role_entry(&play_role), true);

}  // namespace
}  // namespace detail

void process_worker_main() { detail::enter_process_role(); }

}  // namespace green
