// How much faster it gets with more workers: Amdahl's law, predicted and measured, on threads and on processes.
//
//     amdahl                        four workers at most, a picture of 600 lines
//     amdahl WORKERS [LINES]
//     amdahl | python3 examples/plot_amdahl.py >amdahl.svg
//
// A picture of the Mandelbrot set is made in two steps. Its lines do not depend on each other: a `map`. Its colours
// depend on all of them (a histogram, then a blur, then a checksum), and are found by one thread. The time of both on
// one thread gives the serial fraction s, and with it Amdahl's prediction for n workers:
//
//     speed-up(n) = 1 / (s + (1 - s) / n)
//
// It is for n processors. With more workers than that, nothing more is gained. What is missing otherwise is what the law
// leaves out: handing the work out, and sending the results back.
//
//     one thread: 165.3 ms, of it serial 7.0 ms: s = 0.042
//     processors: 2
//
//     workers  predicted  threads  processes
//           1       1.00     0.98       0.95
//           2       1.92     1.86       1.75
//           3       2.77     1.86       1.76
//           4       3.55     1.78       1.72

#include <green/green.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using seconds = std::chrono::duration<double>;
using std::chrono::steady_clock;

constexpr int most_steps = 255;
using line = std::vector<std::uint8_t>;  // steps for each pixel

/// The parallel part: one line. It goes to other processes as it is.
struct line_of_mandelbrot_set {
    int height = 0;

    line operator()(int y) const {
        int const width = height * 3 / 2;
        line steps(static_cast<std::size_t>(width));
        for (int x = 0; x < width; ++x) {
            steps[static_cast<std::size_t>(x)] =
                steps_at(3.0 * x / width - 2.1, 2.0 * y / height - 1);
        }
        return steps;
    }

    static std::uint8_t steps_at(double real, double imaginary) {
        double a = 0;
        double b = 0;
        int n = 0;
        for (; n < most_steps && a * a + b * b < 4; ++n) {
            double const next = a * a - b * b + real;
            b = 2 * a * b + imaginary;
            a = next;
        }
        return static_cast<std::uint8_t>(n);
    }
};

/// Colours for which all have about as many pixels.
void equalize(std::vector<line>& picture) {
    std::array<std::uint64_t, most_steps + 1> up_to{};
    for (const line& l : picture) {
        for (std::uint8_t const steps : l) ++up_to[steps];
    }
    for (std::size_t i = 1; i < up_to.size(); ++i) up_to[i] += up_to[i - 1];
    for (line& l : picture) {
        for (std::uint8_t& pixel : l) {
            pixel = static_cast<std::uint8_t>(255 * up_to[pixel] / up_to.back());
        }
    }
}

/// Each pixel the mean of itself and its four neighbours.
void blur(std::vector<line>& picture) {
    std::vector<line> const sharp = picture;
    for (std::size_t y = 1; y + 1 < picture.size(); ++y) {
        for (std::size_t x = 1; x + 1 < picture[y].size(); ++x) {
            int const sum = sharp[y][x] + sharp[y - 1][x] + sharp[y + 1][x] + sharp[y][x - 1] +
                sharp[y][x + 1];
            picture[y][x] = static_cast<std::uint8_t>(sum / 5);
        }
    }
}

/// Adler-32 (RFC 1950, 9).
std::uint32_t checksum(const std::vector<line>& picture) {
    std::uint32_t a = 1;
    std::uint32_t b = 0;
    for (const line& l : picture) {
        for (std::uint8_t const pixel : l) {
            a = (a + pixel) % 65521;
            b = (b + a) % 65521;
        }
    }
    return b << 16 | a;
}

/// The serial part.
std::uint32_t finish(std::vector<line> picture) {
    equalize(picture);
    blur(picture);
    return checksum(picture);
}

/// What one thread takes for the whole, the best of several times, and what part of it is serial.
struct serial_run {
    seconds parallel_part = seconds::max();
    seconds serial_part = seconds::max();
    std::uint32_t result = 0;

    seconds whole() const { return parallel_part + serial_part; }
    double fraction() const { return serial_part / whole(); }
    double prediction(double workers) const {
        return 1 / (fraction() + (1 - fraction()) / workers);
    }
};

constexpr int rounds = 5;  // the fastest of them counts: noise only ever adds

serial_run run_serially(int height) {
    serial_run best;
    line_of_mandelbrot_set const make_line{height};
    for (int round = 0; round < rounds; ++round) {
        auto const start = steady_clock::now();
        std::vector<line> picture;
        picture.reserve(static_cast<std::size_t>(height));
        for (int y = 0; y < height; ++y) picture.push_back(make_line(y));
        auto const made = steady_clock::now();
        best.result = finish(std::move(picture));
        best.parallel_part = std::min<seconds>(best.parallel_part, made - start);
        best.serial_part = std::min<seconds>(best.serial_part, steady_clock::now() - made);
    }
    return best;
}

/// The time of the whole on an executor; all rounds must give what one thread gave.
template <class Executor>
green::task<seconds> run_on(
    Executor& pool, green::thread_executor& finisher, int height, std::uint32_t expected
) {
    seconds best = seconds::max();
    for (int round = 0; round <= rounds; ++round) {
        auto const start = steady_clock::now();
        std::vector<line> picture =
            co_await pool.map(line_of_mandelbrot_set{height}, std::views::iota(0, height))
                .collect();
        std::uint32_t const result = co_await finisher.run(finish, std::move(picture));
        if (result != expected) throw std::runtime_error("another picture");
        // The first round starts the workers.
        if (round > 0) best = std::min<seconds>(best, steady_clock::now() - start);
    }
    co_return best;
}

green::task<> amain(int most_workers, int height) {
    green::thread_executor one_thread(1);  // so that the loop is free, whatever is computed
    serial_run const serial = co_await one_thread.run(run_serially, height);
    std::printf(
        "one thread: %.1f ms, of it serial %.1f ms: s = %.3f\n", 1e3 * serial.whole().count(),
        1e3 * serial.serial_part.count(), serial.fraction()
    );
    std::printf("processors: %u\n\n", std::thread::hardware_concurrency());
    std::printf("workers  predicted  threads  processes\n");
    for (int n = 1; n <= most_workers; ++n) {
        green::thread_executor threads(static_cast<std::size_t>(n));
        seconds const on_threads = co_await run_on(threads, one_thread, height, serial.result);
        co_await threads.close();
        green::process_executor processes(static_cast<std::size_t>(n));
        seconds const on_processes = co_await run_on(processes, one_thread, height, serial.result);
        co_await processes.close();
        std::printf(
            "%7d  %9.2f  %7.2f  %9.2f\n", n, serial.prediction(n), serial.whole() / on_threads,
            serial.whole() / on_processes
        );
    }
}

}  // namespace

int main(int argc, char** argv) {
    int const most_workers = argc > 1 ? std::atoi(argv[1]) : 4;
    int const height = argc > 2 ? std::atoi(argv[2]) : 600;
    return green::run_main([&] { return amain(most_workers, height); }, argc, argv);
}
