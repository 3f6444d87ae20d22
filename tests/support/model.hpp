#pragma once

// Random operations on a primitive, compared step by step with a plain model of it.
//
// Tasks wait, with and without a limit; the test does things to the primitive and cancels, several
// in one turn; then everything settles and the two must agree: who is through, in which order, who
// waits, who came too late, who was cancelled. The model is exact because the loop is: the ready queue
// is a FIFO, and the virtual clock moves when it is empty.
//
//     class my_model : public wait_model { … };      // what the primitive does, with a std::deque
//     class my_driver : public model_driver { … };   // does the same to both
//     TEST_CASE("…") { run_model<my_driver>(100'000); }
//
// GREEN_MODEL_STEPS is the number of operations per test case, GREEN_SEED replays a single seed.

#include "support/green_test.hpp"
#include "support/random.hpp"

#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace green_test {

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// `steps`, or fewer under a sanitizer, or what GREEN_MODEL_STEPS says.
inline std::uint64_t model_steps(std::uint64_t steps) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    steps /= 4;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    steps /= 4;
#endif
#endif
    return number_from("GREEN_MODEL_STEPS", steps);
}

/// Calls `one(seed, steps)`, which says what went wrong, for seed after seed until `steps` are done.
template <class F>
void run_seeds(std::uint64_t steps, F one) {
    constexpr std::uint64_t steps_per_seed = 1000;
    std::uint64_t seed = number_from("GREEN_SEED", 0);
    bool const single = seed != 0;
    for (std::uint64_t done = 0; done < steps; done += steps_per_seed) {
        if (!single) ++seed;
        // A long run is no hang: now and then the watchdog begins anew.
        if (seed % 50 == 0) watch_begin("a model, GREEN_SEED=" + std::to_string(seed));
        std::string const wrong = one(seed, steps_per_seed);
        INFO("replay it with GREEN_SEED=" << seed);
        REQUIRE(wrong == "");
        if (single) break;
    }
}

/// One task that waits, as the model sees it.
struct modelled_wait {
    // What the test asked for.
    int id = 0;
    int kind = 0;
    int amount = 1;
    bool keeps = false;  // what it gets: until the test takes it away
    std::optional<std::chrono::nanoseconds> limit;

    // For the model of the primitive.
    int phase = 0;  // of several waits in a row: which
    bool mark = false;
    std::deque<modelled_wait*>* queue = nullptr;  // in which it waits

    // For the model of the tasks. With a limit there are two: the one that waits is a child.
    enum class at { outer_begin, begin, waiting, ready, unwinding, outer_ready, ended };
    enum class end { none, done, late, cancelled };
    at where = at::begin;
    end how = end::none;
    bool cancelled = false;  // the task that waits has been asked to stop
    bool outer_cancelled = false;
    bool through = false;
    bool expired = false;
    std::chrono::nanoseconds deadline{};
    std::uint64_t armed = 0;  // 0: no
};

/// Who is through, and how: `4` done, `5-` too late.
class history {
public:
    void add(const modelled_wait& w, bool in_time) {
        text_ += std::to_string(w.id) + (in_time ? " " : "- ");
    }
    const std::string& text() const { return text_; }
    void clear() { text_.clear(); }

private:
    std::string text_;
};

/// The model of the loop, and the base of the model of a primitive.
class wait_model {
public:
    virtual ~wait_model() = default;

    // --- the primitive
    /// At the co_await: true if it does not suspend, and has what it wanted.
    virtual bool ready(modelled_wait& w) = 0;
    /// It suspends.
    virtual void enlist(modelled_wait& w) { wait_in(waiting_, w); }
    /// It was cancelled and has left its queue.
    virtual void withdrawn(modelled_wait&) {}
    /// It goes on after the co_await. False: another co_await comes.
    virtual bool passed(modelled_wait&) { return true; }
    /// It was cancelled between two of them.
    virtual void unwound(modelled_wait&) {}

    std::deque<modelled_wait*>& waiting() { return waiting_; }

    // --- the loop
    void begin(modelled_wait& w) {
        w.where = w.limit ? modelled_wait::at::outer_begin : modelled_wait::at::begin;
        ready_.push_back(&w);
    }
    void cancel(modelled_wait& w) {
        if (w.where == modelled_wait::at::ended) return;
        if (w.limit) {
            bool const again = std::exchange(w.outer_cancelled, true);
            bool const inside = w.where != modelled_wait::at::outer_begin &&
                w.where != modelled_wait::at::outer_ready;
            if (!again && inside && !w.expired) stop(w);
        } else {
            stop(w);
        }
    }
    /// Everything that happens until `t`, when the test goes on.
    void run_until(std::chrono::nanoseconds t) {
        for (;;) {
            fire();
            while (!ready_.empty()) {
                modelled_wait& w = *ready_.front();
                ready_.pop_front();
                step(w);
            }
            auto const next = first_deadline();
            if (!next || *next >= t) break;
            now_ = *next;
        }
        now_ = t;
    }
    history& log() { return log_; }

protected:
    void wait_in(std::deque<modelled_wait*>& queue, modelled_wait& w) {
        w.queue = &queue;
        queue.push_back(&w);
    }
    static void leave(modelled_wait& w) {
        std::erase(*w.queue, &w);
        w.queue = nullptr;
    }
    /// Its wait is over.
    void grant(modelled_wait& w) {
        leave(w);
        w.where = modelled_wait::at::ready;
        ready_.push_back(&w);
    }

private:
    using at = modelled_wait::at;

    void stop(modelled_wait& w) {
        w.cancelled = true;
        if (w.where != at::waiting) return;  // not begun, or it has its result already
        leave(w);
        withdrawn(w);
        w.where = at::unwinding;
        ready_.push_back(&w);
    }

    void step(modelled_wait& w) {
        switch (w.where) {
        case at::outer_begin:
            if (w.outer_cancelled) return conclude(w, modelled_wait::end::cancelled);
            w.where = at::begin;
            w.deadline = now_ + *w.limit;
            w.armed = ++armed_;
            limited_.push_back(&w);
            ready_.push_back(&w);
            return;
        case at::begin: return go_on(w);
        case at::ready:
            if (passed(w)) return body_ended(w, true);
            return go_on(w);
        case at::unwinding: return body_ended(w, false);
        case at::outer_ready:
            if (w.through) {
                conclude(w, modelled_wait::end::done);
            } else {
                conclude(w, w.expired ? modelled_wait::end::late : modelled_wait::end::cancelled);
            }
            return;
        default: std::abort();
        }
    }
    void go_on(modelled_wait& w) {
        do {
            if (w.cancelled) {
                unwound(w);
                return body_ended(w, false);
            }
            if (!ready(w)) {
                w.where = at::waiting;
                return enlist(w);
            }
        } while (!passed(w));
        body_ended(w, true);
    }
    void body_ended(modelled_wait& w, bool through) {
        w.through = through;
        if (!w.limit) {
            return conclude(w, through ? modelled_wait::end::done : modelled_wait::end::cancelled);
        }
        std::erase(limited_, &w);
        w.where = at::outer_ready;
        ready_.push_back(&w);
    }
    void conclude(modelled_wait& w, modelled_wait::end how) {
        w.where = at::ended;
        w.how = how;
        if (how != modelled_wait::end::cancelled) log_.add(w, how == modelled_wait::end::done);
    }

    /// The limits that are due, in the order in which they were armed.
    void fire() {
        auto const armed = limited_;
        for (modelled_wait* w : armed) {
            if (w->deadline > now_ || w->expired) continue;
            if (!w->outer_cancelled) w->expired = true;
            stop(*w);
        }
    }
    std::optional<std::chrono::nanoseconds> first_deadline() const {
        std::optional<std::chrono::nanoseconds> first;
        for (const modelled_wait* w : limited_) {
            if (!first || w->deadline < *first) first = w->deadline;
        }
        return first;
    }

    std::deque<modelled_wait*> waiting_;
    std::deque<modelled_wait*> ready_;
    std::vector<modelled_wait*> limited_;
    std::chrono::nanoseconds now_{};
    std::uint64_t armed_ = 0;
    history log_;
};

/// Does things at random to a primitive and to its model. It outlives the run.
class model_driver {
public:
    model_driver(std::uint64_t seed, wait_model& m) : random_(seed), model_(m) {}
    model_driver(const model_driver&) = delete;
    model_driver& operator=(const model_driver&) = delete;
    virtual ~model_driver() = default;

    /// The waiting task: waits once or more, and deals with what it gets as `w` says.
    virtual green::task<> perform(modelled_wait& w) = 0;
    /// One operation on both, or `begin`, or `cancel_one`.
    virtual void act() = 0;
    /// Both have settled: `expect` that they agree.
    virtual void compare() = 0;
    /// Lets everybody through, as far as one call can.
    virtual void finish() = 0;

    green::task<> drive(std::uint64_t steps) {
        for (std::uint64_t done = 0; done < steps && wrong_.empty();) {
            int const together = 1 + random_.below(5);
            for (int i = 0; i < together; ++i, ++done) act();
            auto const how_long = pause();
            co_await green::sleep_for(how_long);
            check();
        }
        bool const leave_some = random_.one_in(2);  // to the end of the run
        for (int i = 0; i < 1000 && !leave_some && !tasks_.empty() && wrong_.empty(); ++i) {
            finish();
            co_await green::sleep_for(1ms);
            check();
        }
        expect(leave_some || tasks_.empty(), "somebody waits for ever");
    }
    const std::string& wrong() const { return wrong_; }

protected:
    random_source& random() { return random_; }
    void expect(bool ok, const char* what) {
        if (!ok && wrong_.empty()) wrong_ = what;
    }
    /// One more task that waits.
    void begin(int kind = 0, int amount = 1) {
        if (tasks_.size() >= 12) return;
        auto made = std::make_unique<entry>();
        modelled_wait& w = made->wait;
        w.id = ++ids_;
        w.kind = kind;
        w.amount = amount;
        w.keeps = random_.one_in(2);
        if (random_.one_in(3)) w.limit = std::chrono::milliseconds(1 + random_.below(4));
        made->handle = green::spawn(body, this, &w);
        model_.begin(w);
        tasks_.push_back(std::move(made));
    }
    void cancel_one() {
        if (tasks_.empty()) return;
        entry& e =
            *tasks_[static_cast<std::size_t>(random_.below(static_cast<int>(tasks_.size())))];
        model_.cancel(e.wait);
        e.handle.cancel();
    }

private:
    struct entry {
        modelled_wait wait;
        green::join_handle<void> handle;
    };

    static green::task<> body(model_driver* self, modelled_wait* w) {
        bool in_time = true;
        if (w->limit) {
            in_time = co_await green::move_on_after(*w->limit, self->perform(*w));
        } else {
            co_await self->perform(*w);
        }
        self->log_.add(*w, in_time);
    }
    /// Mostly until everything has settled; often until just when a limit is over.
    std::chrono::nanoseconds pause() {
        if (!random_.one_in(4)) return 1ns;
        std::vector<std::chrono::nanoseconds> ends;
        for (const auto& e : tasks_) {
            if (e->wait.armed != 0 && e->wait.deadline > elapsed_now()) {
                ends.push_back(e->wait.deadline - elapsed_now());
            }
        }
        if (ends.empty()) return std::chrono::milliseconds(1 + random_.below(3));
        return ends[static_cast<std::size_t>(random_.below(static_cast<int>(ends.size())))];
    }
    static std::chrono::nanoseconds elapsed_now() { return green::now().time_since_epoch(); }

    void check() {
        model_.run_until(elapsed_now());
        if (wrong_.empty() && log_.text() != model_.log().text()) {
            wrong_ = "through are " + log_.text() + "and should be " + model_.log().text();
        }
        log_.clear();
        model_.log().clear();
        for (auto& e : tasks_) {
            using end = modelled_wait::end;
            bool const ended = e->wait.how != end::none;
            if (!wrong_.empty()) break;
            if (e->handle.done() != ended) {
                wrong_ = std::to_string(e->wait.id) +
                    (ended ? " should have ended" : " should not have ended");
            } else if (ended && e->handle.cancelled() != (e->wait.how == end::cancelled)) {
                wrong_ = std::to_string(e->wait.id) + " should " +
                    (e->handle.cancelled() ? "not " : "") + "have been cancelled";
            }
        }
        compare();
        std::erase_if(tasks_, [&](const auto& e) {
            return e->wait.how != modelled_wait::end::none;
        });
    }

    random_source random_;
    wait_model& model_;
    history log_;
    std::vector<std::unique_ptr<entry>> tasks_;
    int ids_ = 0;
    std::string wrong_;
};

/// `steps` operations by a `Driver(seed)`, seed after seed.
template <class Driver>
void run_model(std::uint64_t steps) {
    run_seeds(model_steps(steps), [](std::uint64_t seed, std::uint64_t n) {
        Driver driver(seed);
        auto const body = [&]() -> green::task<> { co_await driver.drive(n); };
        std::string error;
        try {
            green::run(virtual_clock(), body);
        } catch (const std::exception& e) {
            error = e.what();
        }
        return driver.wrong().empty() ? error : driver.wrong();
    });
}

}  // namespace green_test
