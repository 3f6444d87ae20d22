#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/core/scheduler.hpp>
#include <green/loop/task_dump.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace green_test {
namespace {

// --- the watchdog

class watchdog {
public:
    static watchdog& instance() {
        static auto& w = *new watchdog;  // never destroyed: its thread has no end
        return w;
    }

    void begin(std::string test_case) {
        std::lock_guard const lock(mutex_);
        test_case_ = std::move(test_case);
        deadline_ = std::chrono::steady_clock::now() + limit();
        armed_ = true;
        ++generation_;
        loop_ = nullptr;
        root_ = nullptr;
        if (!started_) {
            started_ = true;
            std::thread([this] { monitor(); }).detach();
        }
        changed_.notify_all();
    }

    void end() {
        std::lock_guard const lock(mutex_);
        armed_ = false;
        ++generation_;
        loop_ = nullptr;
        root_ = nullptr;
        changed_.notify_all();
    }

    void watch(green::loop& l, green::detail::nursery& root) {
        std::lock_guard const lock(mutex_);
        loop_ = &l;
        root_ = &root;
    }

private:
    static double scale() {
        const char* const text = std::getenv("GREEN_TEST_TIMEOUT_SCALE");
        double const s = text ? std::atof(text) : 1.0;
        return s > 0 ? s : 1.0;
    }
    static std::chrono::milliseconds limit() {
        return std::chrono::milliseconds(static_cast<long>(20'000 * scale()));
    }
    /// How long a loop may take to answer before its tasks are read behind its back.
    static std::chrono::milliseconds patience() {
        return std::chrono::milliseconds(static_cast<long>(2'000 * std::min(scale(), 1.0)));
    }

    void monitor() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return armed_; });
            auto const generation = generation_;
            auto const over = [&] { return generation_ != generation; };
            if (!changed_.wait_until(lock, deadline_, over)) bark(lock);
        }
    }

    [[noreturn]] void bark(std::unique_lock<std::mutex>& lock) {
        green::loop* const asked = loop_;
        green::detail::nursery* const root = root_;
        std::fprintf(
            stderr, "\nwatchdog: '%s' has not ended after %lld ms. Its tasks:\n",
            test_case_.c_str(), static_cast<long long>(limit().count())
        );
        if (asked) {
            lock.unlock();
            bool const accepted = asked->post([this, root] {
                answer(green::detail::dump_tasks(*root));
            });
            lock.lock();
            if (!accepted) {
                std::fputs("  (the loop is closed)\n", stderr);
            } else if (changed_.wait_for(lock, patience(), [&] { return answered_; })) {
                std::fputs(answer_.c_str(), stderr);
            } else {
                std::fputs("  (the loop does not answer; read from another thread)\n", stderr);
                std::fputs(green::detail::dump_tasks(*root).c_str(), stderr);
            }
        } else {
            std::fputs("  (no loop)\n", stderr);
        }
        std::fflush(nullptr);
        _exit(124);
    }

    void answer(std::string dump) {
        std::lock_guard const lock(mutex_);
        answer_ = std::move(dump);
        answered_ = true;
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::string test_case_;
    std::string answer_;
    std::chrono::steady_clock::time_point deadline_;
    green::loop* loop_ = nullptr;  // a loop's memory is never given back
    green::detail::nursery* root_ = nullptr;
    unsigned long generation_ = 0;
    bool armed_ = false;
    bool answered_ = false;
    bool started_ = false;
};

// --- one GREEN_TEST

struct session {
    green::clock::time_point start{};
    std::vector<std::string> expected;  // unhandled failures that are still to come
    std::vector<std::string> unexpected;

    void unhandled(const green::unhandled_failure& f) {
        std::string const text = green::detail::describe(f.error);
        auto const found = std::find_if(expected.begin(), expected.end(), [&](const auto& e) {
            return text.find(e) != std::string::npos;
        });
        if (found != expected.end()) {
            expected.erase(found);
        } else {
            unexpected.push_back(f.report);
        }
    }
};

thread_local session* current = nullptr;

struct session_guard {
    session s;
    session* const outer = std::exchange(current, &s);
    session_guard() = default;
    session_guard(const session_guard&) = delete;
    session_guard& operator=(const session_guard&) = delete;
    ~session_guard() { current = outer; }
};

green::task<> watched(body b) {
    watch_this_loop();
    current->start = green::now();
    session* const s = current;
    green::this_loop().on_unhandled([s](const green::unhandled_failure& f) { s->unhandled(f); });
    co_await b();
}

}  // namespace

void run_test(body b, const green::run_options& options) {
    session_guard guard;
    green::run(options, &watched, b);
    for (const std::string& report : guard.s.unexpected) FAIL_CHECK(report);
    for (const std::string& what : guard.s.expected) FAIL_CHECK("no unhandled failure: " << what);
}

std::chrono::nanoseconds elapsed() {
    return green::now() - (current ? current->start : green::clock::time_point{});
}

void expect_unhandled(std::string what) {
    if (!current) throw std::logic_error("expect_unhandled is for GREEN_TEST");
    current->expected.push_back(std::move(what));
}

void watch_this_loop() {
    watchdog::instance().watch(green::this_loop(), green::detail::scheduler::current()->root());
}

void watch_begin(std::string test_case) { watchdog::instance().begin(std::move(test_case)); }
void watch_end() { watchdog::instance().end(); }

// --- what tests look at

void recorder::note(std::string_view event) {
    if (!text_.empty()) text_ += ' ';
    text_ += event;
}

void recorder::stamp(std::string_view event) {
    std::string const ns = std::to_string(elapsed().count() % 1'000'000);
    std::string text = std::string(event) + "@" + std::to_string(elapsed().count() / 1'000'000);
    if (ns != "0") {
        text += "." + std::string(6 - ns.size(), '0') + ns;
        while (text.back() == '0') text.pop_back();
    }
    note(text);
}

tracker::~tracker() {
    if (state_ != alive) {
        ++census_->wrongly_destroyed_;
        return;
    }
    state_ = 0;
    --census_->live_;
}

}  // namespace green_test
