// green-resolve: looks up host names, any number of them, many at once.
//
//     green-resolve www.example.org www.example.net
//     green-resolve --json -f names.txt >answers.jsonl
//     generate-names | green-resolve -s 192.0.2.53 -c 500 --unordered --plot run.svg >answers.txt
//
//     names ──read_names──► feed ──a task a name──► resolver ──► output ──► stdout
//               (a thread reads)  (task_pool)                   (a thread writes)
//
// Everything between the threads is one loop. What is in memory is bounded: names are read when there
// is a place for them, and a place is free again when the answer is written.

#include "blocking_io.hpp"
#include "input.hpp"
#include "lookup.hpp"
#include "options.hpp"
#include "output.hpp"
#include "plot.hpp"
#include "progress.hpp"
#include "statistics.hpp"
#include "summary.hpp"

#include <green/green.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace {

using namespace tool;

constexpr int exit_some_failed = 1;
constexpr int exit_usage = 2;
constexpr int exit_broken_pipe = 128 + SIGPIPE;

/// What the tasks of a run share. It outlives the run, so that an interrupt leaves something to print.
struct session {
    explicit session(const options& o)
        : asked(o), files(o), config(configure(o)), out(o, names_at_once(o, config)) {}

    const options& asked;
    input_files files;
    green::resolver_config config;
    blocking_io io;
    output out;
    statistics results;
    std::uint64_t begun = 0;
    green::resolver_stats resolver_stats;
    green::clock::time_point start{};
    std::chrono::nanoseconds elapsed{};
};

/// Notes, when the run ends in whatever way, what is gone afterwards.
class final_notes {
public:
    final_notes(session& s, const green::resolver& r) : session_(s), resolver_(r) {
        s.start = green::now();
    }
    final_notes(const final_notes&) = delete;
    final_notes& operator=(const final_notes&) = delete;
    ~final_notes() {
        session_.elapsed = green::now() - session_.start;
        session_.resolver_stats = resolver_.stats();
    }

private:
    session& session_;
    const green::resolver& resolver_;
};

green::task<> resolve_one(
    session& s, green::resolver& resolver, std::uint64_t number, entry asked
) {
    outcome const o = co_await look_up(resolver, s.asked, std::move(asked));
    s.results.add(o, green::now() - s.start);
    s.out.add(number, result_text(s.asked.format, o));
}

/// A task for each name, as many at once as are allowed.
green::task<> feed(session& s, green::resolver& resolver) {
    green::task_pool pool(names_at_once(s.asked, s.config));
    green::stream<entry> names = read_names(s.asked, s.files, s.io);
    while (auto asked = co_await names.next()) {
        std::uint64_t const number = co_await s.out.reserve();
        ++s.begun;
        co_await pool.spawn(resolve_one(s, resolver, number, std::move(*asked)));
    }
    co_await pool.join();
    s.out.finish();
}

green::task<> resolve_all(session& s) {
    green::resolver resolver(s.config);
    final_notes const notes(s, resolver);
    auto const body = [&](green::task_group& group) -> green::task<> {
        group.spawn(feed(s, resolver));
        if (!s.asked.quiet && progress_is_welcome()) {
            group.spawn(show_progress(s.results, s.start));
        }
        co_await s.out.write(s.io);
        group.cancel();  // the progress
    };
    co_await green::with_group(body);
}

green::task<int> amain(session& s) {
    try {
        co_await resolve_all(s);
    } catch (const std::system_error& e) {
        if (e.code() == std::errc::broken_pipe) co_return exit_broken_pipe;
        std::fprintf(stderr, "green-resolve: %s\n", e.what());
        co_return exit_usage;
    }
    bool const all = s.results.answered() == s.results.done();
    co_return all ? 0 : exit_some_failed;
}

void write_plot(const session& s) {
    std::ofstream file(s.asked.plot);
    file << plot_svg(s.results, s.elapsed);
    file.close();
    if (!file) throw usage_error(s.asked.plot + ": cannot be written");
}

/// What is to be said after the run.
void conclude(session& s) {
    s.out.write_rest();
    if (!s.asked.quiet && !s.asked.explain) {
        run_facts const facts{s.results, s.begun - s.results.done(), s.elapsed, s.resolver_stats};
        std::fputs(summary_text(facts).c_str(), stderr);
    }
    if (!s.asked.plot.empty()) write_plot(s);
}

int resolve_names(const options& o, int argc, char** argv) {
    session s(o);
    int const status = green::run_main([&] { return amain(s); }, argc, argv);
    if (status != exit_broken_pipe) conclude(s);
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        options const o = parse_options(std::span(argv, static_cast<std::size_t>(argc)));
        if (o.help || o.version) {
            std::fputs(o.help ? help_text().c_str() : "green-resolve " GREEN_VERSION "\n", stdout);
            return 0;
        }
        return resolve_names(o, argc, argv);
    } catch (const usage_error& e) {
        if (*e.what() != '\0') std::fprintf(stderr, "green-resolve: %s\n", e.what());
        std::fputs("Try 'green-resolve --help'.\n", stderr);
        return exit_usage;
    }
}
