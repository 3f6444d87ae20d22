// A pipeline: producer → A → B → C → result, as with a chain of Kafka topics and their consumers.
//
// From a tutorial on concurrent.futures, which describes it in words. Each topic is a channel that holds four
// messages: a stage that is too fast waits, so nothing piles up. A stage is any number of consumers, which share
// its topic: every message is taken by one of them. Its work is a function bound to its first argument, as with
// functools.partial in Python.
//
// A and C take one second for a message, B takes three. The stages work at the same time, so twelve messages do
// not take 60 seconds, but as long as the slowest stage takes; more consumers for B help until it no longer is
// the slowest. Beside it Amdahl's law: what those consumers would gain if only B were done by several at a time,
// and the stages one after the other.

#include <green/green.hpp>

#include <chrono>
#include <cstdio>
#include <functional>

using namespace std::chrono_literals;

namespace {

constexpr int messages = 12;
constexpr auto time_of_a = 1s;
constexpr auto time_of_b = 3s;
constexpr auto time_of_c = 1s;
constexpr auto one_by_one = messages * (time_of_a + time_of_b + time_of_c);

using topic = green::channel<int>;

int plus(int summand, int x) { return x + summand; }
int times(int factor, int x) { return x * factor; }

template <class F>
green::task<> consumer(topic& in, topic& out, std::chrono::seconds takes, F work) {
    while (auto message = co_await in.receive()) {
        co_await green::sleep_for(takes);
        co_await out.send(work(*message));
    }
}

/// So many consumers; when the last has ended, so has the topic that they write to.
template <class F>
green::task<> stage(int consumers, topic& in, topic& out, std::chrono::seconds takes, F work) {
    co_await green::with_group([&](green::task_group& g) -> green::task<> {
        for (int i = 0; i < consumers; ++i) g.spawn(consumer(in, out, takes, work));
        co_return;
    });
    out.close();
}

green::task<> produce(topic& out) {
    for (int i = 1; i <= messages; ++i) co_await out.send(i);
    out.close();
}

green::task<int> consume(topic& results) {
    int sum = 0;
    while (auto result = co_await results.receive()) sum += *result;
    co_return sum;
}

/// The sum of all results.
green::task<int> pipeline(int consumers_of_b) {
    topic a(4);
    topic b(4);
    topic c(4);
    topic results(4);
    int sum = 0;
    co_await green::with_group([&](green::task_group& g) -> green::task<> {
        g.spawn(produce(a));
        g.spawn(stage(1, a, b, time_of_a, std::bind_front(plus, 1)));
        g.spawn(stage(consumers_of_b, b, c, time_of_b, std::bind_front(times, 10)));
        g.spawn(stage(1, c, results, time_of_c, std::bind_front(plus, -10)));
        sum = co_await consume(results);
    });
    co_return sum;
}

double amdahl(int n) {
    double const parallel = 3.0 / 5.0;  // B's share
    return 1 / (1 - parallel + parallel / n);
}

green::task<> amain() {
    std::printf("consumers of B    sum    takes    speed-up    Amdahl\n");
    for (int consumers : {1, 2, 3, 4}) {
        auto const start = green::now();
        int const sum = co_await pipeline(consumers);
        auto const took = green::now() - start;
        double const speed_up = std::chrono::duration<double>(one_by_one) / took;
        std::printf(
            "%14d %6d %6lld s %11.2f %9.2f\n", consumers, sum, static_cast<long long>(took / 1s),
            speed_up, amdahl(consumers)
        );
    }
}

}  // namespace

int main() { green::run(amain(), {.virtual_time = true}); }
