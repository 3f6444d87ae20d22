#include <green/executor/map.hpp>

#include <green/tasks/timeout.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace green::detail {
namespace {

/// Much shorter and the way to a worker costs more than the work; much longer and workers idle at the
/// end.
constexpr std::int64_t wanted_chunk_ns = 500'000;
/// Chunks on their way, of which each worker has one to go on with.
constexpr std::size_t chunks_per_worker = 2;
constexpr std::size_t spare_chunks = 16;
constexpr std::size_t largest_chunk = 16'384;
/// More do not make the window larger: it is counted in a std::size_t.
constexpr std::size_t most_workers = 1'000'000;

}  // namespace

chunk_sizes::chunk_sizes(const map_options& options, std::size_t workers)
    : workers_(std::min(workers, most_workers)),
      window_(options.window),
      fixed_(options.chunksize != map_options::automatic) {
    if (options.chunksize == 0) throw std::invalid_argument("map: chunksize must be at least 1");
    if (options.window == 0) throw std::invalid_argument("map: window must be at least 1");
    if (fixed_) chunk_ = std::min(options.chunksize, window_);
}

std::size_t chunk_sizes::window() const noexcept {
    if (window_ != map_options::automatic) return window_;
    std::size_t const chunks = chunks_per_worker * workers_ + spare_chunks;
    std::size_t const most = std::numeric_limits<std::size_t>::max();
    return chunk_ > most / chunks ? most : chunk_ * chunks;
}

void chunk_sizes::took(std::size_t items, std::int64_t nanoseconds) noexcept {
    // A chunk that did not end by itself took 0.
    bool const short_one = nanoseconds > 0 && nanoseconds <= wanted_chunk_ns / 2;
    if (fixed_ || items < chunk_ || !short_one) return;
    std::size_t const doubled = std::min(chunk_ * 2, largest_chunk);
    // A window that somebody set is shared out among the workers.
    bool const fits = window_ == map_options::automatic ||
        doubled * chunks_per_worker * workers_ <= window_;
    if (fits) chunk_ = doubled;
}

task<bool> done_before(state_ref<future_base> f, clock::time_point deadline) {
    bool const no_limit = deadline == clock::time_point::max() || f->done();
    until_done end{std::move(f)};
    if (no_limit) {
        co_await std::move(end);
        co_return true;
    }
    co_return co_await move_on_after(deadline - clock::now(), std::move(end));
}

void throw_map_timeout() { throw timeout_error("map: an item was not done in time"); }

std::exception_ptr unstarted_item() {
    return std::make_exception_ptr(cancelled_error("map: the job was asked to stop before this item"
    ));
}

}  // namespace green::detail
