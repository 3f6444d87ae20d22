#pragma once

// What the tests of worker processes share: a place to meet, and a few jobs.

#include "support/catch.hpp"

#include <green/executor/process_executor.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace green_test {

using namespace std::chrono_literals;

/// Numbers that several processes see, all 0 to begin with. The test makes them and passes their path;
/// a job opens that.
class shared_numbers {
public:
    explicit shared_numbers(std::size_t count) : shared_numbers(new_file(count)) { owner_ = true; }
    explicit shared_numbers(std::string path) : path_(std::move(path)) {
        int const fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
        size_ = static_cast<std::size_t>(std::max<off_t>(::lseek(fd, 0, SEEK_END), 1));
        void* const at = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
        if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), path_);
        numbers_ = static_cast<std::atomic<int>*>(at);
    }
    ~shared_numbers() {
        ::munmap(numbers_, size_);
        if (owner_) ::unlink(path_.c_str());
    }
    shared_numbers(const shared_numbers&) = delete;
    shared_numbers& operator=(const shared_numbers&) = delete;

    const std::string& path() const { return path_; }
    std::atomic<int>& operator[](std::size_t i) const { return numbers_[i]; }

private:
    static std::string new_file(std::size_t count) {
        std::string path = std::filesystem::temp_directory_path().string() + "/green-test-XXXXXX";
        int const fd = ::mkstemp(path.data());
        REQUIRE(fd >= 0);
        REQUIRE(::ftruncate(fd, static_cast<off_t>(count * sizeof(std::atomic<int>))) == 0);
        ::close(fd);
        return path;
    }

    std::string path_;
    std::atomic<int>* numbers_;
    std::size_t size_;
    bool owner_ = false;
};

/// One number, for a test and its jobs to meet at.
class meeting_point {
public:
    meeting_point() : number_(1) {}
    explicit meeting_point(std::string path) : number_(std::move(path)) {}

    const std::string& path() const { return number_.path(); }
    std::atomic<int>& value() const { return number_[0]; }
    int arrive() const { return ++value(); }
    /// Until so many have arrived. The watchdog bounds it.
    void wait_for(int count) const {
        while (value() < count) std::this_thread::sleep_for(200us);
    }

private:
    shared_numbers number_;
};

/// How often and how a test of chance does it, if the environment says so.
inline std::size_t number_from(const char* variable, std::size_t otherwise) {
    const char* const text = std::getenv(variable);
    return text ? static_cast<std::size_t>(std::atoll(text)) : otherwise;
}

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
    meeting_point const meet(gate);
    meet.arrive();
    meet.wait_for(1000);
    return result;
}

// --- what the test looks at

/// Of a process; 0: there is none.
inline std::size_t descriptors_of(const std::string& pid) {
    std::error_code none;
    std::filesystem::directory_iterator const all("/proc/" + pid + "/fd", none);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}
inline std::size_t open_descriptors() { return descriptors_of("self"); }

/// A process's state, as ps shows it, and its parent; state 0: there is none.
struct process_status {
    char state = 0;
    int parent = 0;
};
inline process_status status_of(const std::string& pid) {
    process_status status;
    std::FILE* const file = std::fopen(("/proc/" + pid + "/stat").c_str(), "r");
    if (!file) return status;
    if (std::fscanf(file, "%*d (%*[^)]) %c %d", &status.state, &status.parent) != 2) status = {};
    std::fclose(file);
    return status;
}

/// The children of a process, zombies too. Of 0, which is no process, none: the kernel gives it as the
/// parent of those that came from outside the container.
inline std::vector<int> children_of(int parent) {
    std::vector<int> pids;
    if (parent == 0) return pids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::string const name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        if (status_of(name).parent == parent) pids.push_back(std::stoi(name));
    }
    return pids;
}
inline std::size_t child_processes() { return children_of(::getpid()).size(); }

/// Shared memory of green's that is mapped here.
inline std::size_t shared_mappings() {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) {
        count += line.find("memfd:green") != std::string::npos;
    }
    return count;
}

/// The file that is mapped at an address.
inline std::string file_at(const void* address) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t first = 0;
        std::uintptr_t last = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx", &first, &last) != 2) continue;
        auto const at = reinterpret_cast<std::uintptr_t>(address);
        if (at >= first && at < last) return line.substr(std::min(line.find('/'), line.size()));
    }
    return {};
}
inline bool is_shared(const void* address, const char* name) {
    return file_at(address).find(name) != std::string::npos;
}

/// What must be the same before and after.
struct belongings {
    std::size_t descriptors = open_descriptors();
    std::size_t children = child_processes();
    std::size_t mappings = shared_mappings();
    bool operator==(const belongings&) const = default;
};

/// Whether the process is there, and no zombie.
inline bool is_running(int pid) {
    char const state = status_of(std::to_string(pid)).state;
    return state != 0 && state != 'Z' && state != 'X';
}

/// Until it is not. The watchdog bounds it.
inline void wait_until_gone(int pid) {
    while (is_running(pid)) std::this_thread::sleep_for(1ms);
}

/// As ps shows it; empty: there is no such process.
inline std::string name_of(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    file >> name;
    return name;
}

/// A process of green's own is that number still, and not another one's.
inline bool is_of_a_pool(int pid) {
    std::string const name = name_of(pid);
    return name.starts_with("green-worker") || name.starts_with("green-forkserv");
}

}  // namespace green_test
