#pragma once

// Internal: the items of an executor's map, on their way through its workers.

#include <green/executor/future.hpp>
#include <green/executor/job.hpp>
#include <green/executor/map_options.hpp>
#include <green/tasks/pool_stream.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace green::detail {

/// One item's failure; `item` counts within the chunk.
struct chunk_failure {
    std::size_t item;
    std::exception_ptr error;
};

/// What a worker made of a chunk: the values of the items that have one, in order, and the failures of
/// the others. Fewer than the chunk has if the job was asked to stop.
template <class R>
struct chunk_results {
    std::vector<R> values;
    std::vector<chunk_failure> failures;
    std::int64_t nanoseconds = 0;  // it took
};

template <class T>
using map_result = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// The job of one chunk. An aggregate, so that process executors can send it.
template <class F, class Item>
struct chunk_call;
template <class F, class... A>
struct chunk_call<F, std::tuple<A...>> {
    using result = job_result_t<F, A...>;

    F function;

    chunk_results<map_result<result>> operator()(
        const std::stop_token& stop, std::vector<std::tuple<A...>> items
    ) {
        auto const start = std::chrono::steady_clock::now();
        chunk_results<map_result<result>> out;
        out.values.reserve(items.size());
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (i > 0 && stop.stop_requested()) break;
            try {
                call(stop, items[i], out.values);
            } catch (...) {
                out.failures.push_back({i, std::current_exception()});
            }
        }
        out.nanoseconds = (std::chrono::steady_clock::now() - start).count();
        return out;
    }

private:
    void call(
        const std::stop_token& stop, std::tuple<A...>& item, std::vector<map_result<result>>& values
    ) {
        auto const apply = [&](A&... args) {
            if constexpr (std::is_void_v<result>) {
                call_job(function, stop, args...);
                values.emplace_back();
            } else {
                values.push_back(call_job(function, stop, args...));
            }
        };
        std::apply(apply, item);
    }
};

/// How many items make a job.
class chunk_sizes {
public:
    /// std::invalid_argument for a chunksize or window of 0.
    chunk_sizes(const map_options& options, std::size_t workers);

    std::size_t chunk() const noexcept { return chunk_; }
    /// Items that may be on their way.
    std::size_t window() const noexcept;
    /// A chunk of `items` took so long.
    void took(std::size_t items, std::int64_t nanoseconds) noexcept;

private:
    std::size_t workers_;
    std::size_t window_;
    std::size_t chunk_ = 1;
    bool fixed_;
};

/// The inputs of several ranges side by side, as far as the shortest goes.
template <class... Range>
class zipped_inputs {
public:
    using item = std::tuple<typename map_inputs<Range>::value...>;

    explicit zipped_inputs(Range... ranges) : ranges_(std::move(ranges)...) {}

    bool at_end() noexcept {
        auto const any_at_end = [](auto&... r) { return (r.at_end() || ...); };
        return ended_ || (ended_ = std::apply(any_at_end, ranges_));
    }
    /// Empty if a range throws; `error()` then. Not at the end.
    std::optional<item> take() {
        // In braces: one after the other.
        auto const take_all = [](auto&... r) { return std::tuple{r.take()...}; };
        auto taken = std::apply(take_all, ranges_);
        auto const all_there = [](auto&... v) { return (v.has_value() && ...); };
        if (!std::apply(all_there, taken)) {
            ended_ = true;
            return std::nullopt;
        }
        auto const join = [](auto&... v) { return std::optional<item>(item(std::move(*v)...)); };
        return std::apply(join, taken);
    }
    std::exception_ptr error() const noexcept {
        std::exception_ptr first;
        auto const look = [&first](auto const&... r) {
            ((first = first ? first : r.error()), ...);
        };
        std::apply(look, ranges_);
        return first;
    }

private:
    std::tuple<map_inputs<Range>...> ranges_;
    bool ended_ = false;
};

/// The chunks of one map that have been submitted and not been handed out, in input order. `Submit`
/// hands a job to the executor and gives its future.
template <class Submit, class F, class... Range>
class map_chunks {
    using inputs = zipped_inputs<Range...>;
    using item = typename inputs::item;
    using call = chunk_call<F, item>;

public:
    using value = map_result<typename call::result>;
    using results = chunk_results<value>;
    /// If not, `submit` has told the compiler why.
    static constexpr bool can_be_submitted =
        std::is_same_v<std::invoke_result_t<Submit&, call, std::vector<item>>, future<results>>;

    struct chunk {
        future<results> job;
        std::size_t items;
    };

    map_chunks(Submit submit, const map_options& options, std::size_t workers, F f, Range... ranges)
        : submit_(std::move(submit)),
          function_(std::move(f)),
          inputs_(std::move(ranges)...),
          sizes_(options, workers),
          deadline_(saturating_add(clock::now(), options.timeout)) {}
    map_chunks(const map_chunks&) = delete;
    map_chunks& operator=(const map_chunks&) = delete;
    ~map_chunks() {
        // From the last: one that ends when it is asked to must not make way for the next.
        for (auto c = submitted_.rbegin(); c != submitted_.rend(); ++c) c->job.cancel();
    }

    /// Submits as much as the window allows. An error of a range or of `submit` is kept, and ends the
    /// inputs.
    void fill() noexcept {
        while (pending_ + sizes_.chunk() <= sizes_.window() && !error_) {
            if (inputs_.at_end()) {
                error_ = inputs_.error();
                return;
            }
            try {
                submit_next();
            } catch (...) {
                error_ = std::current_exception();
            }
        }
    }
    bool empty() const noexcept { return submitted_.empty(); }
    const future<results>& front() const noexcept { return submitted_.front().job; }
    chunk take_front() noexcept {
        chunk c = std::move(submitted_.front());
        submitted_.pop_front();
        return c;
    }
    /// An item of a chunk that was taken is about to be: there may be room for another chunk.
    void hand_out_one() noexcept {
        --pending_;
        fill();
    }
    void took(std::size_t items, std::int64_t nanoseconds) noexcept {
        sizes_.took(items, nanoseconds);
    }
    /// What ended the inputs early, if anything did.
    const std::exception_ptr& error() const noexcept { return error_; }
    clock::time_point deadline() const noexcept { return deadline_; }

private:
    void submit_next() {
        std::vector<item> items;
        while (items.size() < sizes_.chunk() && !inputs_.at_end()) {
            std::optional<item> next = inputs_.take();
            if (!next) break;
            items.push_back(std::move(*next));
        }
        if (items.empty()) return;
        std::size_t const n = items.size();
        submitted_.push_back({submit_(call{function_}, std::move(items)), n});
        pending_ += n;
    }

    Submit submit_;
    F function_;
    inputs inputs_;
    chunk_sizes sizes_;
    clock::time_point deadline_;
    std::deque<chunk> submitted_;
    std::size_t pending_ = 0;  // items in it, and of the chunk that is being handed out
    std::exception_ptr error_;
};

}  // namespace green::detail
