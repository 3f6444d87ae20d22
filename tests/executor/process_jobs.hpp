#pragma once

// What the tests of worker processes share: a place to meet, and a few jobs.

#include "support/catch.hpp"

#include <green/executor/process_executor.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace green_test {

using namespace std::chrono_literals;

/// A number that several processes see, for a test and its jobs to meet at. The test makes one and
/// passes its path; the job opens that.
class meeting_point {
public:
    meeting_point() : meeting_point(new_file()) { owner_ = true; }
    explicit meeting_point(std::string path) : path_(std::move(path)) {
        int const fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
        void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
        if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), path_);
        value_ = static_cast<std::atomic<int>*>(at);
    }
    ~meeting_point() {
        ::munmap(value_, size);
        if (owner_) ::unlink(path_.c_str());
    }
    meeting_point(const meeting_point&) = delete;
    meeting_point& operator=(const meeting_point&) = delete;

    const std::string& path() const { return path_; }
    std::atomic<int>& value() { return *value_; }
    int arrive() { return ++*value_; }
    /// Until so many have arrived. The watchdog bounds it.
    void wait_for(int count) const {
        while (value_->load() < count) std::this_thread::sleep_for(200us);
    }

private:
    static constexpr std::size_t size = sizeof(std::atomic<int>);

    static std::string new_file() {
        std::string path = std::filesystem::temp_directory_path().string() + "/green-test-XXXXXX";
        int const fd = ::mkstemp(path.data());
        REQUIRE(fd >= 0);
        REQUIRE(::ftruncate(fd, size) == 0);
        ::close(fd);
        return path;
    }

    std::string path_;
    std::atomic<int>* value_;
    bool owner_ = false;
};

// --- jobs

inline int square(int x) { return x * x; }
inline int own_pid() { return ::getpid(); }
inline void exit_with(int status) { std::exit(status); }  // NOLINT(concurrency-mt-unsafe)
inline void kill_itself(int signal) {
    std::signal(signal, SIG_DFL);  // a sanitizer has a handler of its own
    ::raise(signal);
}
/// Says that it has begun, and never ends.
inline void hang(const std::string& begun) {
    meeting_point(begun).arrive();
    for (;;) ::pause();
}
/// Says that it has begun, and ends when a second party has come.
inline int pass_gate(const std::string& gate, int result) {
    meeting_point meet(gate);
    meet.arrive();
    meet.wait_for(1000);
    return result;
}

// --- what the test looks at

inline std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        ++count;
    }
    return count;
}

/// Neither a process nor a zombie of ours is left.
inline bool has_no_children() {
    return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

/// Whether the process is there, and no zombie.
inline bool is_running(int pid) {
    std::string const stat = "/proc/" + std::to_string(pid) + "/stat";
    std::FILE* const file = std::fopen(stat.c_str(), "r");
    if (!file) return false;
    char state = 0;
    int const read = std::fscanf(file, "%*d (%*[^)]) %c", &state);
    std::fclose(file);
    return read == 1 && state != 'Z' && state != 'X';
}

/// Until it is not. The watchdog bounds it.
inline void wait_until_gone(int pid) {
    while (is_running(pid)) std::this_thread::sleep_for(1ms);
}

}  // namespace green_test
