#pragma once

// Internal: what `map` of any executor gives.

#include <green/executor/future_set.hpp>
#include <green/executor/map_chunks.hpp>
#include <green/tasks/stream.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

namespace green::detail {

/// Until `f` is done; false if `deadline` came first.
task<bool> done_before(state_ref<future_base> f, clock::time_point deadline);
[[noreturn]] void throw_map_timeout();
std::exception_ptr unstarted_item();

/// Gives out the items of one chunk after another. The failure of an item is thrown, and the stream
/// goes on.
template <class Chunks>
stream<typename Chunks::value> map_results(std::unique_ptr<Chunks> chunks) {
    using value = typename Chunks::value;
    while (!chunks->empty()) {
        bool const in_time =
            co_await done_before(future_access::state(chunks->front()), chunks->deadline());
        if (!in_time) throw_map_timeout();
        auto chunk = chunks->take_front();
        typename Chunks::results results;
        std::exception_ptr const whole = future_access::state(chunk.job)->failure();
        if (!whole) results = future_access::state(chunk.job)->take();
        chunks->took(chunk.items, results.nanoseconds);
        std::size_t value_index = 0;
        std::size_t failure_index = 0;
        for (std::size_t i = 0; i < chunk.items; ++i) {
            chunks->hand_out_one();
            if (whole) {
                co_yield stream_failure(whole);
            } else if (failure_index < results.failures.size() &&
                       results.failures[failure_index].item == i) {
                co_yield stream_failure(std::move(results.failures[failure_index++].error));
            } else if (value_index < results.values.size()) {
                value next = std::move(results.values[value_index++]);
                co_yield std::move(next);
            } else {
                co_yield stream_failure(unstarted_item());
            }
        }
    }
    if (chunks->error()) std::rethrow_exception(chunks->error());
}

template <class F, class... Range>
concept mappable = (std::ranges::input_range<Range> && ...) && std::copy_constructible<F> &&
    job_callable<F, std::ranges::range_value_t<Range>...>;

/// What is given by value and iterated here: copied, or moved in.
template <class R>
concept map_input = std::ranges::input_range<R>;

template <class Submit, class F, class... Range>
auto map_on(Submit submit, const map_options& options, std::size_t workers, F f, Range... ranges) {
    using chunks = map_chunks<Submit, F, Range...>;
    if constexpr (chunks::can_be_submitted) {
        auto made = std::make_unique<chunks>(
            std::move(submit), options, workers, std::move(f), std::move(ranges)...
        );
        made->fill();
        if (made->empty() && made->error()) std::rethrow_exception(made->error());
        return map_results(std::move(made));
    } else {
        return stream<typename chunks::value>();
    }
}

}  // namespace green::detail
