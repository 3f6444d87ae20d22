#pragma once

// What the tests that hold for every executor are made of. Their jobs are plain functions and captureless
// lambdas whose arguments and results can be sent, and they hold a worker up with a file, which threads
// and processes both see.

#include "support/green_test.hpp"

#include <green/executor/process_executor.hpp>
#include <green/executor/thread_executor.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>

#include <unistd.h>

namespace green_test {

/// The executors that are tested. Each is constructed from its number of workers.
using executors = std::tuple<green::thread_executor, green::process_executor>;

inline int square(int x) { return x * x; }
inline int fail_at(int bad, int x) {
    if (x == bad) throw std::out_of_range("item " + std::to_string(x));
    return x;
}
inline int always_fails(int x) { throw std::out_of_range("item " + std::to_string(x)); }

/// A door that jobs wait at, by its path.
class file_gate {
public:
    file_gate() : path_(std::filesystem::temp_directory_path() / unique_name()) {
        std::filesystem::remove(path_);  // of an earlier process with this pid
    }
    file_gate(const file_gate&) = delete;
    file_gate& operator=(const file_gate&) = delete;
    ~file_gate() {
        open();
        std::filesystem::remove(path_);
    }

    std::string path() const { return path_.string(); }
    void open() const { std::ofstream(path_).put('x'); }

private:
    static std::string unique_name() {
        static std::atomic<int> made{0};
        return "green-gate-" + std::to_string(::getpid()) + "-" + std::to_string(++made);
    }
    std::filesystem::path path_;
};

/// Jobs: they go through the gate, or make a file, and wait for others to do so.
inline int pass(const std::string& gate) {
    while (!std::filesystem::exists(gate)) std::this_thread::sleep_for(1ms);
    return 1;
}
inline int announce_and_pass(const std::string& announcement, const std::string& gate) {
    std::ofstream(announcement).put('x');
    return pass(gate);
}

}  // namespace green_test
