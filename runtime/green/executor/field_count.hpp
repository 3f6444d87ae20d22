#pragma once

#include <green/core/config.hpp>

#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <type_traits>
#include <utility>

// How many members an aggregate has, found by trying with how many arguments it can be initialised.
// An array in it is one member, although it takes an argument for each of its elements.

namespace green::detail {

// Conversions that are never called. They have a body, for clang warns of a function without one if
// its type is in an unnamed namespace.

/// Stands for an argument of any type but `T` itself, from which an empty aggregate can be copied.
template <class T>
struct any_argument {
    // Declared const and by value: so a std::optional<U> is initialised by the conversion to it,
    // and not in two ways, by that and from a U.
    template <class U>
        requires(!std::same_as<U, T>)
    operator U() const noexcept {  // NOLINT(google-explicit-constructor)
        std::abort();
    }
};

/// Stands for an argument that is a base class of `T`.
template <class T>
struct any_base {
    template <class U>
        requires(std::is_base_of_v<U, T> && !std::same_as<U, T>)
    operator U() const noexcept {  // NOLINT(google-explicit-constructor)
        std::abort();
    }
};

/// Of no use to any aggregate but one with a member that takes everything.
struct stranger {};

template <class T>
concept has_base = requires { T{any_base<T>{}}; } && !requires { T{stranger{}}; };

template <class T, std::size_t>
using argument_at = any_argument<T>;

/// T{x, x, ... n times}?
template <class T, std::size_t N>
consteval bool takes_arguments() {
    return []<std::size_t... I>(std::index_sequence<I...>) {
        return requires { T{argument_at<T, I>{}...}; };
    }(std::make_index_sequence<N>());
}

/// T{x before times, {}, x after times}?
template <class T, std::size_t Before, std::size_t After>
consteval bool takes_braces() {
    return []<std::size_t... B,
              std::size_t... A>(std::index_sequence<B...>, std::index_sequence<A...>) {
        return requires { T{argument_at<T, B>{}..., {}, argument_at<T, A>{}...}; };
    }(std::make_index_sequence<Before>(), std::make_index_sequence<After>());
}

inline constexpr std::size_t most_fields = 64;
/// Elements of arrays counted one by one; beyond it an aggregate is not looked through.
inline constexpr std::size_t most_arguments = 256;

/// The most arguments that `T` takes, from `N` on, which it takes. Elements of arrays count.
template <class T, std::size_t N>
consteval std::size_t last_taken() {
    if constexpr (N < most_arguments && takes_arguments<T, N + 1>()) {
        return last_taken<T, N + 1>();
    } else {
        return N;
    }
}

/// The least arguments that `T` takes: 0, but for a last member that has no default.
template <class T, std::size_t N = 0>
consteval std::size_t first_taken() {
    if constexpr (N > most_fields || takes_arguments<T, N>()) {
        return N;
    } else {
        return first_taken<T, N + 1>();
    }
}

/// How many of `Arguments` arguments the member that begins with number `At` takes. With {} in its
/// place, `After` arguments can follow: those of an array's elements are missing. A member that
/// cannot be initialised by {} is no array, or an array of such, which nobody can initialise.
template <class T, std::size_t Arguments, std::size_t At, std::size_t After = Arguments - At - 1>
consteval std::size_t width_at() {
    if constexpr (takes_braces<T, At, After>()) {
        return Arguments - At - After;
    } else if constexpr (After == 0) {
        return 1;
    } else {
        return width_at<T, Arguments, At, After - 1>();
    }
}

template <class T, std::size_t Arguments, std::size_t At = 0>
consteval std::size_t members_from() {
    if constexpr (At >= Arguments) {
        return 0;
    } else {
        return 1 + members_from<T, Arguments, At + width_at<T, Arguments, At>()>();
    }
}

/// Whether `T` is an aggregate whose members can be named; not for one with more than 64.
template <class T>
consteval bool has_fields() {
    if constexpr (!std::is_aggregate_v<T> || std::is_array_v<T> || std::is_union_v<T>) {
        return false;
    } else if constexpr (has_base<T>) {
        return false;
    } else {
        return first_taken<T>() <= most_fields &&
            last_taken<T, first_taken<T>()>() < most_arguments;
    }
}

template <class T>
inline constexpr std::size_t field_count = members_from<T, last_taken<T, first_taken<T>()>()>();

}  // namespace green::detail
