#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <limits>
#include <random>
#include <vector>

#include <unistd.h>

// What the benchmark programs share: clocks, memory, and the line that they print for each figure.

namespace bench {

/// Processor time of this process. What other programs do on the machine hardly shows in it.
inline double cpu_ns() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

inline std::int64_t wall_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

inline double resident_bytes() {
    long pages = 0;
    if (std::FILE* f = std::fopen("/proc/self/statm", "r")) {
        long size = 0;
        if (std::fscanf(f, "%ld %ld", &size, &pages) != 2) pages = 0;
        std::fclose(f);
    }
    return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// The cost of one operation: the work is done in slices of a few milliseconds and the fastest
/// counts, because noise only ever adds.
class best_slice {
public:
    void begin() { start_ = cpu_ns(); }
    void end(std::size_t operations) {
        best_ = std::min(best_, (cpu_ns() - start_) / static_cast<double>(operations));
    }
    double ns() const { return best_; }

private:
    double start_ = 0;
    double best_ = std::numeric_limits<double>::max();
};

/// One program's command line and output: figures named as arguments are run, all without any;
/// `slices=3` makes it short.
class program {
public:
    program(const char* name, int argc, char** argv) : name_(name) {
        for (int i = 1; i < argc; ++i) {
            if (std::sscanf(argv[i], "slices=%d", &slices_) != 1) arguments_.push_back(argv[i]);
        }
    }

    /// How many slices a figure's work is done in.
    int slices() const { return slices_; }

    bool wants(const char* figure) const {
        return arguments_.empty() ||
            std::any_of(arguments_.begin(), arguments_.end(), [=](const char* a) {
                   return std::strcmp(a, figure) == 0;
               });
    }
    void report(const char* figure, double value, const char* unit) const {
        std::printf(
            R"({"program":"%s","figure":"%s","value":%.4g,"unit":"%s"})"
            "\n",
            name_, figure, value, unit
        );
        std::fflush(stdout);
    }

private:
    const char* name_;
    std::vector<const char*> arguments_;
    int slices_ = 60;
};

// The sizes of all programs, so that they do the same.

inline constexpr std::size_t batch = 100;
inline constexpr std::size_t live_tasks = 1'000'000;

/// What a million sleeps cost that end at random times of one second, and how late they end. The
/// second begins when all tasks are surely asleep: starting them is part of the cost, not of the
/// lateness.
class sleep_record {
public:
    explicit sleep_record(std::size_t n, std::int64_t lead_ns = 2'000'000'000)
        : late_us_(n), due_us_(n) {
        std::minstd_rand random(1);
        for (auto& d : due_us_) d = static_cast<std::uint32_t>(random() % 1'000'000);
        start_ = cpu_ns();
        first_ = wall_ns() + lead_ns;
    }
    std::int64_t due_ns(std::size_t i) const { return first_ + std::int64_t{due_us_[i]} * 1000; }
    void woke(std::size_t i) {
        std::int64_t const late = wall_ns() - due_ns(i);
        if (late < 0) ++early_;
        late_us_[i] = static_cast<std::uint32_t>(std::max<std::int64_t>(late, 0) / 1000);
    }
    void report(const program& p) {
        double const cpu = (cpu_ns() - start_) / 1e9;
        auto const p99 = late_us_.begin() + static_cast<std::ptrdiff_t>(late_us_.size() * 99 / 100);
        std::nth_element(late_us_.begin(), p99, late_us_.end());
        p.report("sleep_1m_cpu", cpu, "s");
        p.report("sleep_1m_p99_late", *p99 / 1000.0, "ms");
        if (early_ > 0) p.report("sleep_1m_early", static_cast<double>(early_), "sleeps");
    }

private:
    std::vector<std::uint32_t> late_us_;
    std::vector<std::uint32_t> due_us_;
    std::size_t early_ = 0;
    double start_;
    std::int64_t first_;
};

}  // namespace bench
