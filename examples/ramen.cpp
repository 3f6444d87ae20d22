// Ramen: what waiting at the same time gains, what it cannot gain, and where the next bottleneck is.
//
// The picture is that of tutorials on multitasking, with numbers. A bowl takes ten minutes: three in which a
// cook's hands are busy, seven on a burner in which nobody has to do anything. The kitchen is busy from the
// first minute; what comes out is counted from the second to the eighth hour.
//
//     one after the other      hands 3 ─ burner 7 ─ hands 3 ─ burner 7         6 an hour
//     the waits overlapped     hands 3 ─ hands 3 ─ hands 3 ─ …                20: the hands are never idle
//                                   └─ burner 7   └─ burner 7
//     two cooks                                                               40
//     two cooks, four burners  four bowls in seven minutes                    34.3: the burners never are
//
// For one bowl more cooks do not help; doing its steps at the same time does: 8 minutes.
// The cooks and the burners are semaphores, the bowls green tasks, the clock is virtual.

#include <green/green.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>

using namespace std::chrono_literals;

namespace {

constexpr auto by_hand = 3min;
constexpr auto on_the_burner = 7min;
constexpr auto warm_up = 1h;
constexpr auto counted = 7h;

struct kitchen {
    green::semaphore cooks;
    green::semaphore burners;
    green::semaphore guests{20};  // bowls that are being made at any time
    std::size_t bowls = 0;

    kitchen(std::size_t cook_count, std::size_t burner_count)
        : cooks(cook_count), burners(burner_count) {}

    void served() {
        if (green::now() - opened > warm_up) ++bowls;
    }
    green::clock::time_point opened = green::now();
};

/// `guest` is given back when the bowl is served.
green::task<> one_bowl(kitchen& k, [[maybe_unused]] green::semaphore::permit guest) {
    {
        auto const cook = co_await k.cooks.acquire();
        co_await green::sleep_for(by_hand);
    }
    auto const burner = co_await k.burners.acquire();
    co_await green::sleep_for(on_the_burner);
    k.served();
}

green::task<> one_after_the_other(kitchen& k) {
    for (;;) {
        co_await green::sleep_for(by_hand);
        co_await green::sleep_for(on_the_burner);
        k.served();
    }
}

green::task<> overlapped(kitchen& k) {
    co_await green::with_group([&](green::task_group& g) -> green::task<> {
        for (;;) {
            auto guest = co_await k.guests.acquire();
            g.spawn(one_bowl(k, std::move(guest)));
        }
    });
}

green::task<> report(const char* what, kitchen& k, green::task<> work) {
    co_await green::move_on_after(warm_up + counted, std::move(work));
    double const per_hour = static_cast<double>(k.bowls) / (counted / 1h);
    std::printf("%-28s %4.1f bowls an hour\n", what, per_hour);
}

green::task<> steps_at_once() {
    auto const start = green::now();
    co_await green::sleep_for(1min);  // fill the pot
    auto cut_onions = [] { return green::sleep_for(2min); };
    co_await green::when_all(green::sleep_for(on_the_burner), cut_onions());
    std::printf(
        "one bowl, its steps at once: %lld min\n",
        static_cast<long long>((green::now() - start) / 1min)
    );
}

green::task<> compare() {
    constexpr std::size_t plenty = 100;
    {
        kitchen k(1, plenty);
        co_await report("one after the other", k, one_after_the_other(k));
    }
    {
        kitchen k(1, plenty);
        co_await report("one cook, waits overlapped", k, overlapped(k));
    }
    {
        kitchen k(2, plenty);
        co_await report("two cooks", k, overlapped(k));
    }
    {
        kitchen k(2, 4);
        co_await report("two cooks, four burners", k, overlapped(k));
    }
    co_await steps_at_once();
}

}  // namespace

int main() { green::run(compare(), {.virtual_time = true}); }
