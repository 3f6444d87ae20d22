#pragma once

#include <green/core/awaitable.hpp>
#include <green/sync/wait_queue.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace green {
namespace detail {

/// The waits of sync/ that can be withdrawn without a trace until they are granted.
template <class L>
concept selectable = std::derived_from<L, wait_node> && !requires { L::leaves_traces; };

/// A random order of 0 … n-1, from the seed of the run.
void shuffle(std::size_t* order, std::size_t n) noexcept;

template <class T>
using select_value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

}  // namespace detail

/// What `select` gives.
template <detail::selectable... Cases>
class select_awaitable final : public detail::leaf, private detail::wait_chooser {
public:
    using value_type = std::variant<detail::select_value<await_result_t<Cases>>...>;

    explicit select_awaitable(Cases&&... cases) : cases_(std::move(cases)...) {}
    /// Before it is awaited only.
    select_awaitable(select_awaitable&& o
    ) noexcept(std::is_nothrow_move_constructible_v<std::tuple<Cases...>>)
        : leaf(), cases_(std::move(o.cases_)) {}
    select_awaitable& operator=(select_awaitable&&) = delete;

    bool ready() {
        std::array<std::size_t, sizeof...(Cases)> order;
        detail::shuffle(order.data(), order.size());
        for (std::size_t i : order) {
            bool const is_ready = with_case(i, [](auto& c) { return c.ready(); });
            if (!is_ready) continue;
            chosen_ = i;
            return true;
        }
        return false;
    }
    void start() {
        each_case([this](auto& c) {
            c.choose_by(*this);
            c.start();
        });
    }
    value_type result() { return take(std::index_sequence_for<Cases...>()); }
    bool cancel() noexcept override {
        each_case([](auto& c) { c.unlink(); });
        each_case([](auto& c) { c.withdrawn(); });
        return true;
    }
    void describe(std::string& out) const override {
        out += "select of ";
        const char* separator = "";
        std::apply(
            [&](auto&... c) { ((out += separator, c.describe(out), separator = " | "), ...); },
            cases_
        );
    }

private:
    void chosen(detail::wait_node& n) override {
        std::size_t i = 0;
        auto const is_chosen = [&](detail::wait_node& c) { return &c == &n; };
        each_case([&](auto& c) {
            if (is_chosen(c)) {
                chosen_ = i;
            } else {
                c.unlink();
            }
            ++i;
        });
        waiter().wake();
        each_case([&](auto& c) {
            if (!is_chosen(c)) c.withdrawn();
        });
    }
    detail::green_task& chooser() const noexcept override { return waiter(); }

    template <class F>
    void each_case(F f) {
        std::apply([&](auto&... c) { (f(c), ...); }, cases_);
    }
    template <class F>
    bool with_case(std::size_t index, F f) {
        bool result = false;
        std::size_t i = 0;
        each_case([&](auto& c) {
            if (i++ == index) result = f(c);
        });
        return result;
    }
    template <std::size_t... I>
    value_type take(std::index_sequence<I...>) {
        using maker = value_type (*)(std::tuple<Cases...>&);
        static constexpr std::array<maker, sizeof...(I)> makers{&make<I>...};
        return makers[chosen_](cases_);
    }
    template <std::size_t I>
    static value_type make(std::tuple<Cases...>& cases) {
        auto& c = std::get<I>(cases);
        if constexpr (std::is_void_v<decltype(c.result())>) {
            c.result();
            return value_type(std::in_place_index<I>);
        } else {
            return value_type(std::in_place_index<I>, c.result());
        }
    }

    std::tuple<Cases...> cases_;
    std::size_t chosen_ = 0;
};

/// `auto v = co_await select(a.receive(), b.send(x), done.wait())`: waits until one of the operations can
/// go through, and does exactly that one; the others have not happened. Takes what channels, queues,
/// locks, semaphores and events give; for anything else, whose loser would have to be undone, see
/// `when_any`. A time limit goes around it: `with_timeout(1s, select(…))`.
///
/// The result is a variant; `index()` says which, void is std::monostate. Of several that are ready one is
/// chosen at random, drawn from `run_options::seed`. An operation that throws at once (a send on a
/// closed channel) may throw here. A lock or permit arrives as its guard.
/// **cancel:** total: none has happened. **order:** it queues at every operation as if alone.
/// Model: Go's select.
template <detail::selectable... Cases>
    requires(sizeof...(Cases) > 0)
[[nodiscard]] select_awaitable<Cases...> select(Cases... cases) {
    return select_awaitable<Cases...>(std::move(cases)...);
}

/// For the message.
template <class... Cases>
    requires((awaitable<Cases> || ...) && !(detail::selectable<Cases> && ...))
auto select(Cases...) {
    static_assert(
        detail::always_false<std::tuple<Cases...>>,
        "green: select takes what channels, queues, locks, semaphores and events give to wait for; "
        "for anything else see when_any, and for a time limit with_timeout"
    );
}

}  // namespace green
