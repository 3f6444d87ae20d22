#include <green/sync/condition.hpp>

#include "support/model.hpp"
#include "support/waits.hpp"

#include <green/loop/task_dump.hpp>
#include <green/sync/mutex.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

struct wait_subject {
    explicit wait_subject(int) {}
    static constexpr bool can_be_ready = false;
    void close() { met = false; }
    void open() {
        met = true;
        c.notify_all();
    }
    task<> pass() {
        auto g = co_await m.lock();
        if (met) co_return;
        co_await c.wait(g);
        REQUIRE(g.owns_lock());
        REQUIRE(m.locked());
    }
    bool intact() const { return !m.locked(); }

    mutex m;
    condition c;
    bool met = false;
};

struct wait_until_subject {
    explicit wait_until_subject(int) {}
    static constexpr bool can_be_ready = true;
    void close() { met = false; }
    void open() {
        met = true;
        c.notify_all();
    }
    task<> pass() {
        auto g = co_await m.lock();
        co_await c.wait(g, [this] { return met; });
        REQUIRE(met);
        REQUIRE(g.owns_lock());
    }
    bool intact() const { return !m.locked(); }

    mutex m;
    condition c;
    bool met = true;
};

GREEN_TEST("condition.wait: the five tests", "[condition]") { co_await five_tests<wait_subject>(); }

GREEN_TEST("condition.wait with a predicate: the five tests", "[condition]") {
    co_await five_tests<wait_until_subject>();
}

TEST_CASE("condition.wait: destroyed by the end of run", "[condition]") {
    destroyed_by_the_end_of_run<wait_subject>();
    destroyed_by_the_end_of_run<wait_until_subject>();
}

/// A mutex, a condition, and tasks that wait for it and say so when they have been woken.
struct waiters {
    mutex m;
    condition c;
    recorder log;
    std::vector<join_handle<void>> handles;

    task<> one(std::string name) {
        auto g = co_await m.lock();
        co_await c.wait(g);
        log.stamp(name);
    }
    void begin(const char* name) {
        handles.push_back(spawn([](waiters* w, std::string n) { return w->one(n); }, this, name));
    }
};

GREEN_TEST("condition: notify_one wakes one, in order; notify_all all", "[condition]") {
    waiters w;
    for (const char* name : {"a", "b", "c", "d"}) w.begin(name);
    w.c.notify_one();  // nobody waits yet: it is not kept
    co_await sleep_for(1ms);
    REQUIRE(w.log.text().empty());
    w.c.notify_one();
    co_await sleep_for(1ms);
    REQUIRE(w.log.text() == "a@1");
    w.c.notify_one();
    w.c.notify_one();
    co_await sleep_for(1ms);
    REQUIRE(w.log.text() == "a@1 b@2 c@2");
    w.begin("e");
    co_await sleep_for(1ms);
    w.c.notify_all();
    w.c.notify_all();
    co_await sleep_for(1ms);
    REQUIRE(w.log.text() == "a@1 b@2 c@2 d@4 e@4");
    w.c.notify_one();
    REQUIRE_FALSE(w.m.locked());
}

GREEN_TEST("condition: who waits has released the lock, who is woken has it", "[condition]") {
    waiters w;
    w.begin("a");
    w.begin("b");
    co_await settle();
    auto g = co_await w.m.lock();
    w.c.notify_all();
    co_await sleep_for(1ms);
    REQUIRE(w.log.text().empty());  // the lock is here
    auto const locks = [&]() -> task<> {
        auto const own = co_await w.m.lock();
        w.log.stamp("lock");
    };
    auto const h = spawn(locks);  // behind those that were notified
    co_await settle();
    g.unlock();
    co_await h;
    REQUIRE(w.log.text().starts_with("a@"));
    REQUIRE(w.log.text().find('b') < w.log.text().find("lock"));
    REQUIRE_FALSE(w.m.locked());
}

GREEN_TEST("condition: an empty guard is an error", "[condition]") {
    mutex m;
    condition c;
    mutex::guard empty;
    std::string error = co_await error_of_wait(c.wait(empty));
    REQUIRE(error == "green: condition.wait: the guard holds no lock");
    c.set_name("jobs");
    error = co_await error_of_wait(c.wait(empty, [] { return false; }));
    REQUIRE(error == "green: condition.wait of 'jobs': the guard holds no lock");
    co_await c.wait(empty, [] { return true; });  // nothing to wait for
    auto g = co_await m.lock();
    g.unlock();
    error = co_await error_of_wait(c.wait(g));
    REQUIRE(contains(error, "holds no lock"));
}

GREEN_TEST("condition: a predicate is looked at again with every notification", "[condition]") {
    mutex m;
    condition c;
    int value = 0;
    int looks = 0;
    auto const consumer = [&]() -> task<> {
        auto g = co_await m.lock();
        co_await c.wait(g, [&] {
            ++looks;
            return value >= 3;
        });
        REQUIRE(g.owns_lock());
    };
    auto const h = spawn(consumer);
    for (int i = 1; i <= 3; ++i) {
        co_await sleep_for(1ms);
        REQUIRE_FALSE(h.done());
        auto const g = co_await m.lock();
        value = i;
        c.notify_one();
    }
    co_await h;
    REQUIRE(looks == 4);
}

GREEN_TEST("condition: who is cancelled has no lock while it is unwound", "[condition]") {
    waiters w;
    w.begin("a");
    co_await settle();
    auto const g = co_await w.m.lock();
    w.handles[0].cancel();  // it does not wait for the lock
    co_await w.handles[0].join();
    REQUIRE(w.handles[0].cancelled());
    REQUIRE(g.owns_lock());
}

GREEN_TEST("condition: a limit that runs out leaves the guard empty", "[condition]") {
    mutex m;
    condition c;
    auto g = co_await m.lock();
    bool const in_time = co_await move_on_after(1s, c.wait(g));
    REQUIRE_FALSE(in_time);
    REQUIRE(elapsed() == 1s);
    REQUIRE_FALSE(g.owns_lock());
    REQUIRE_FALSE(m.locked());
    c.notify_all();
}

GREEN_TEST("condition: after a wait with a limit the task holds the lock again", "[condition]") {
    mutex m;
    condition c;
    auto const notifies = [&]() -> task<> {
        co_await sleep_for(1ms);
        c.notify_one();
    };
    auto g = co_await m.lock();
    for (bool const silently : {false, true}) {
        auto const h = spawn(notifies);
        if (silently) {
            bool const in_time = co_await move_on_after(1s, c.wait(g));
            REQUIRE(in_time);
        } else {
            co_await with_timeout(1s, c.wait(g));
        }
        REQUIRE(g.owns_lock());
        // The task that waited for it in the limit's place has ended: it is this one that would wait
        // for itself.
        std::string const own = co_await error_of_wait(m.lock());
        REQUIRE(contains(own, "holds it already"));
        co_await h;
    }
}

GREEN_TEST("condition: a notification of one who is cancelled goes to the next", "[condition]") {
    // It waits for the notification: then it had none.
    {
        waiters w;
        w.begin("a");
        w.begin("b");
        co_await settle();
        w.handles[0].cancel();
        w.c.notify_one();
        co_await settle();
        REQUIRE(w.handles[1].successful());
    }
    // It waits for the lock.
    {
        waiters w;
        w.begin("a");
        w.begin("b");
        w.begin("c");
        co_await settle();
        auto g = co_await w.m.lock();
        w.c.notify_one();
        co_await settle();
        w.handles[0].cancel();
        w.handles[1].cancel();  // and so does the next
        g.unlock();
        co_await settle();
        REQUIRE(w.handles[0].cancelled());
        REQUIRE(w.handles[1].cancelled());
        REQUIRE(w.handles[2].successful());
        REQUIRE_FALSE(w.m.locked());
    }
    // It waits for the lock after notify_all, which was for those who waited then.
    {
        waiters w;
        w.begin("a");
        co_await settle();
        auto g = co_await w.m.lock();
        w.c.notify_all();
        g.unlock();
        g = mutex::guard();
        w.begin("b");
        co_await settle();
        REQUIRE(w.handles[0].successful());
        REQUIRE_FALSE(w.handles[1].done());
        w.c.notify_one();
        co_await w.handles[1];
    }
    // It has the lock: then it has been notified, and stops where it next waits.
    {
        waiters w;
        w.begin("a");
        w.begin("b");
        co_await settle();
        w.c.notify_one();
        w.handles[0].cancel();
        co_await settle();
        REQUIRE(w.handles[0].successful());
        REQUIRE_FALSE(w.handles[1].done());
        w.c.notify_one();
        co_await w.handles[1];
        REQUIRE_FALSE(w.m.locked());
    }
}

GREEN_TEST("condition: two mutexes with one condition", "[condition]") {
    mutex a;
    mutex b;
    condition c;
    recorder log;
    auto const waits = [&](mutex* m, std::string name) -> task<> {
        auto g = co_await m->lock();
        co_await c.wait(g);
        log.note(name);
    };
    auto const first = spawn(waits, &a, "a");
    auto const second = spawn(waits, &b, "b");
    co_await settle();
    auto g = co_await a.lock();
    c.notify_all();
    co_await settle();
    REQUIRE(log.text() == "b");
    g.unlock();
    co_await first;
    co_await second;
    REQUIRE(log.text() == "b a");
}

GREEN_TEST("condition: a waiter that was notified needs it no longer", "[condition]") {
    mutex m;
    auto c = std::make_unique<condition>();
    c->set_name("short-lived");
    recorder log;
    auto const waits = [&](std::string name) -> task<> {
        auto g = co_await m.lock();
        co_await c->wait(g);
        log.note(name);
    };
    auto a = spawn(waits, "a");
    auto const b = spawn(waits, "b");
    auto const d = spawn(waits, "d");
    co_await settle();
    auto g = co_await m.lock();
    c->notify_one();
    c->notify_all();
    c.reset();
    std::string const dump = detail::dump_tasks(detail::scheduler::current()->root());
    REQUIRE(contains(dump, "mutex.lock, held by #1"));
    REQUIRE(contains(dump, "after condition.wait"));
    a.cancel();
    g.unlock();
    co_await b;
    co_await d;
    REQUIRE(log.text() == "b d");
    REQUIRE_FALSE(m.locked());
}

TEST_CASE("condition: what a deadlock's report says", "[condition]") {
    mutex m;
    m.set_name("m");
    condition c;
    c.set_name("ready");
    auto const body = [&]() -> task<> {
        auto const waits = [](mutex* l, condition* cond) -> task<> {
            auto g = co_await l->lock();
            co_await cond->wait(g);
        };
        auto const h = spawn({.name = "notified"}, waits, &m, &c);
        co_await settle();
        auto g = co_await m.lock();
        c.notify_one();
        co_await settle();
        g.unlock();
        co_await h;
        g = co_await m.lock();
        co_await c.wait(g);
    };
    std::string const text = deadlock_of(body);
    INFO(text);
    REQUIRE(contains(text, "'main' waits for condition.wait of 'ready'"));
    REQUIRE_FALSE(m.locked());
}

GREEN_TEST("condition: destructors notify while tasks are unwound", "[condition]") {
    waiters w;
    w.begin("a");
    w.begin("b");
    co_await settle();
    struct notifies {
        condition* c;
        ~notifies() { c->notify_one(); }
    };
    auto const holds = [&]() -> task<> {
        auto const g = co_await w.m.lock();
        notifies const first{&w.c};
        notifies const second{&w.c};
        co_await sleep_for(1h);
    };
    auto h = spawn(holds);
    co_await settle();
    h.cancel();
    co_await h.join();
    co_await settle();
    REQUIRE(w.handles[0].successful());
    REQUIRE(w.handles[1].successful());
    REQUIRE_FALSE(w.m.locked());
}

// --- the model: kind 0 locks, kind 1 locks and waits for the condition

class condition_model : public wait_model {
public:
    bool ready(modelled_wait& w) override {
        if (w.phase == 1) {
            unlock(w.id);
            return false;
        }
        if (holder_ != 0) return false;
        holder_ = w.id;
        return true;
    }
    void enlist(modelled_wait& w) override { wait_in(w.phase == 1 ? notifiable_ : waiting(), w); }
    bool passed(modelled_wait& w) override {
        w.mark = false;
        if (w.kind == 1 && w.phase == 0) {
            w.phase = 1;
            return false;
        }
        if (!w.keeps) unlock(w.id);
        return true;
    }
    void unwound(modelled_wait& w) override {
        if (w.phase == 1) unlock(w.id);
    }
    void withdrawn(modelled_wait& w) override {
        if (std::exchange(w.mark, false)) notify_one();
    }

    // The order of enlisting and unlocking cannot be seen: an unlock wakes waiters of the mutex only.
    void unlock(int id) {
        if (holder_ != id) return;
        holder_ = 0;
        if (waiting().empty()) return;
        holder_ = waiting().front()->id;
        grant(*waiting().front());
    }
    void notify_one() {
        if (notifiable_.empty()) return;
        notifiable_.front()->mark = true;
        notify();
    }
    void notify_all() {
        while (!notifiable_.empty()) notify();
    }
    int holder() const { return holder_; }

private:
    void notify() {
        modelled_wait& w = *notifiable_.front();
        leave(w);
        wait_in(waiting(), w);
        if (holder_ != 0) return;
        holder_ = w.id;
        grant(w);
    }

    int holder_ = 0;
    std::deque<modelled_wait*> notifiable_;
};

class condition_driver : public model_driver {
public:
    explicit condition_driver(std::uint64_t seed) : model_driver(seed, model_) {}

    task<> perform(modelled_wait& w) override {
        auto g = co_await m_.lock();
        if (w.kind == 1) co_await c_.wait(g);
        expect(g.owns_lock() && !kept_, "two guards");
        if (w.keeps) kept_ = std::move(g);
    }
    void act() override {
        switch (random().below(10)) {
        case 0:
        case 1:
            c_.notify_one();
            model_.notify_one();
            break;
        case 2:
            c_.notify_all();
            model_.notify_all();
            break;
        case 3: cancel_one(); break;
        case 4:
        case 5:
        case 6: unlock(); break;
        default: begin(random().one_in(3) ? 0 : 1); break;
        }
    }
    void compare() override { expect(m_.locked() == (model_.holder() != 0), "locked"); }
    void finish() override {
        c_.notify_all();
        model_.notify_all();
        unlock();
    }

private:
    void unlock() {
        if (!kept_) return;
        kept_.unlock();
        model_.unlock(model_.holder());
    }

    condition_model model_;
    mutex m_;
    condition c_;
    mutex::guard kept_;
};

TEST_CASE("condition: random operations agree with a model", "[condition][model]") {
    run_model<condition_driver>(130'000);
}

}  // namespace
