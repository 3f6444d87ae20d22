// How long eight small operations on containers take: Python's `timeit`.
//
// From a tutorial on multitasking. Its set, list, tuple and string are an unordered_set, a vector, an array and a string
// here, each of a hundred elements. The tutorial called its microseconds milliseconds, and printed two of the rows twice;
// here they are microseconds, and eight measurements. They run on the one thread of an executor: one after the other, and
// the loop stays free.
//
//     set               : 5.451895 [µs]
//     list              : 0.029199 [µs]
//     …

#include <green/green.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <ranges>
#include <string>
#include <unordered_set>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr int size = 100;
constexpr auto numbers = [] {
    std::array<int, size> made{};
    std::iota(made.begin(), made.end(), 0);
    return made;
}();
constexpr auto squares = numbers | std::views::transform([](int n) { return n * n; });

std::unordered_set<int> set() { return {numbers.begin(), numbers.end()}; }
std::vector<int> list() { return {numbers.begin(), numbers.end()}; }
std::array<int, size> tuple() { return numbers; }
std::string string() { return std::string(size, 'x'); }

std::unordered_set<int> set_add() {
    std::unordered_set<int> made;
    for (int const n : numbers) made.insert(n * n);
    return made;
}

std::vector<int> list_append() {
    std::vector<int> made;
    // NOLINTNEXTLINE(performance-inefficient-vector-operation): what it costs is the question
    for (int const n : numbers) made.push_back(n * n);
    return made;
}

std::unordered_set<int> set_comprehension() { return {squares.begin(), squares.end()}; }
std::vector<int> list_comprehension() { return {squares.begin(), squares.end()}; }

/// Makes the optimiser believe that somebody looks at the value.
template <class T>
void keep(const T& value) {
    asm volatile("" : : "g"(&value) : "memory");
}

template <auto Operation>
double microseconds() {
    using clock = std::chrono::steady_clock;
    for (long calls = 1;; calls *= 2) {
        auto const start = clock::now();
        for (long i = 0; i < calls; ++i) keep(Operation());
        std::chrono::duration<double, std::micro> const took = clock::now() - start;
        if (took >= 20ms) return took.count() / static_cast<double>(calls);
    }
}

struct row {
    const char* label;
    double (*measure)();
};
constexpr row rows[] = {
    {"set", microseconds<set>},
    {"list", microseconds<list>},
    {"tuple", microseconds<tuple>},
    {"string", microseconds<string>},
    {"set_add", microseconds<set_add>},
    {"list_append", microseconds<list_append>},
    {"set_comprehension", microseconds<set_comprehension>},
    {"list_comprehension", microseconds<list_comprehension>},
};

green::task<> amain() {
    green::thread_executor pool(1);
    for (const row& r : rows) {
        double const time = co_await pool.run(r.measure);
        std::printf("%-18s: %.6f [µs]\n", r.label, time);
    }
}

}  // namespace

int main() { green::run(amain()); }
