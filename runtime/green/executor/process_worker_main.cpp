#include <green/executor/process_worker_main.hpp>

#include <green/core/process_role.hpp>
#include <green/executor/descriptor.hpp>
#include <green/executor/fork_server.hpp>
#include <green/executor/standard_output.hpp>
#include <green/executor/worker.hpp>
#include <green/executor/worker_protocol.hpp>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace green {
namespace detail {
namespace {

/// They are not for the programs that a job may start.
void keep_passed(int count) noexcept {
    for (int i = 0; i < count; ++i) ::fcntl(first_passed_descriptor + i, F_SETFD, FD_CLOEXEC);
}

void play_role(const char* text) {
    std::string_view const role(text);
    auto const colon = role.rfind(':');
    if (colon == std::string_view::npos) return;
    auto const parent = static_cast<pid_t>(std::atol(text + colon + 1));
    std::string_view const name = role.substr(0, colon);
    drop_output();  // what static initialisers have printed is the application's to say
    if (name == fork_server_role) {
        keep_passed(1);
        fork_server_main(parent);
    } else if (name == program_role) {
        keep_passed(1);
        program_main(descriptor(first_passed_descriptor), parent);
    } else if (name == worker_role || name == captured_worker_role) {
        std::size_t const count = name == worker_role ? worker_stdout : worker_descriptor_count;
        keep_passed(static_cast<int>(count));
        passed_descriptors passed;
        int next = first_passed_descriptor;
        for (std::size_t i = 0; i < count; ++i) passed[i] = descriptor(next++);
        worker_main(std::move(passed), parent);
    }
}

// Every executor refers to this file, by the function below: so a program that is linked with a static
// library has this too, even if it calls nothing but `run`.
[[maybe_unused]] bool const registered = (set_process_role_entry(&play_role), true);

}  // namespace

void refuse_unplayed_role() {
    if (!has_unplayed_process_role()) return;
    std::fputs(
        "green: this process was started to serve a process_executor, but its main makes an "
        "executor of its own. Call green::process_worker_main() in the first line of main.\n",
        stderr
    );
    std::fflush(nullptr);
    ::_exit(1);
}

}  // namespace detail

void process_worker_main() { detail::enter_process_role(); }

}  // namespace green
