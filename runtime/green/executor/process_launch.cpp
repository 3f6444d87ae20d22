#include <green/executor/process_launch.hpp>

#include <green/core/process_role.hpp>
#include <green/executor/worker_protocol.hpp>

#include <cerrno>
#include <csignal>
#include <new>
#include <string>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

namespace green::detail {
namespace {

/// What the new process gets apart from its image.
class launch_plan {
public:
    launch_plan() noexcept {
        posix_spawn_file_actions_init(&files);
        posix_spawnattr_init(&attributes);
        sigset_t all;
        sigfillset(&all);
        sigdelset(&all, SIGHUP);  // ignored here, as by nohup, it is ignored there
        posix_spawnattr_setsigdefault(&attributes, &all);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }
    ~launch_plan() {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
    launch_plan(const launch_plan&) = delete;
    launch_plan& operator=(const launch_plan&) = delete;

    /// In order: each source is above the targets before it, or is its own target.
    void pass(std::span<const int> fds) noexcept {
        int target = first_passed_descriptor;
        for (int const fd : fds) posix_spawn_file_actions_adddup2(&files, fd, target++);
        // What has leaked into the application is not for its processes. Closed here: what their static
        // initialisers open is theirs.
        posix_spawn_file_actions_addclosefrom_np(&files, target);
    }

    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
};

/// Above everything that a role's descriptors are put to.
constexpr int lowest_source = 16;

/// Where a program has closed its stream, whatever it opens next may be: that is no stream.
bool is_inherited(int fd) noexcept {
    int const flags = ::fcntl(fd, F_GETFD);
    return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

}  // namespace

environment_copy::environment_copy() {
    for (char** v = environ; *v; ++v) variables_.emplace_back(*v);
    for (std::string& v : variables_) pointers_.push_back(v.data());
    pointers_.push_back(nullptr);
}

pid_t launch_role(const char* role, std::span<const int> fds, char* const* environment) noexcept {
    std::vector<int> sources;
    pid_t pid = -1;
    int failed = 0;
    try {
        std::string marker = std::string(process_role_variable) + "=" + role + ":" +
            std::to_string(::getpid());
        std::vector<char*> variables{marker.data()};
        for (char* const* v = environment; *v; ++v) variables.push_back(*v);
        variables.push_back(nullptr);
        for (int const fd : fds) {
            int const high = ::fcntl(fd, F_DUPFD_CLOEXEC, lowest_source);
            if (high < 0) failed = errno;
            sources.push_back(high);
        }
        launch_plan plan;
        posix_spawn_file_actions_addopen(&plan.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        for (int const fd : {STDOUT_FILENO, STDERR_FILENO}) {
            if (!is_inherited(fd)) {
                posix_spawn_file_actions_addopen(&plan.files, fd, "/dev/null", O_WRONLY, 0);
            }
        }
        plan.pass(sources);
        char* argv[] = {program_invocation_name, nullptr};
        if (failed == 0) {
            failed = ::posix_spawn(
                &pid, "/proc/self/exe", &plan.files, &plan.attributes, argv, variables.data()
            );
        }
    } catch (const std::bad_alloc&) {
        failed = ENOMEM;
    }
    for (int const fd : sources) ::close(fd);
    if (failed == 0) return pid;
    errno = failed;
    return -1;
}

}  // namespace green::detail
