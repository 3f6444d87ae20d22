#pragma once

#include <green/core/typed_task.hpp>
#include <green/executor/codec.hpp>

#include <concepts>
#include <stop_token>
#include <type_traits>

// Which calls can be sent to another process, and as what their arguments travel.

namespace green::detail {

/// The types of a function's parameters and result, if it has one signature.
template <class F>
struct signature_of {
    static constexpr bool known = false;
};
template <class R, class... P>
struct known_signature {
    static constexpr bool known = true;
    using parameters = types<P...>;
};
template <class R, class... P>
struct signature_of<R (*)(P...)> : known_signature<R, P...> {};
template <class R, class... P>
struct signature_of<R (*)(P...) noexcept> : known_signature<R, P...> {};
template <class R, class C, class... P>
struct signature_of<R (C::*)(P...)> : known_signature<R, P...> {};
template <class R, class C, class... P>
struct signature_of<R (C::*)(P...) const> : known_signature<R, P...> {};
template <class R, class C, class... P>
struct signature_of<R (C::*)(P...) noexcept> : known_signature<R, P...> {};
template <class R, class C, class... P>
struct signature_of<R (C::*)(P...) const noexcept> : known_signature<R, P...> {};
template <class F>
    requires requires { &F::operator(); }
struct signature_of<F> : signature_of<decltype(&F::operator())> {};

/// Whether all that there is of a callable is its type: a lambda without captures, std::plus<>.
template <class F>
inline constexpr bool is_stateless = std::is_class_v<F> && std::is_empty_v<F> &&
    std::is_trivially_copyable_v<F> && std::is_default_constructible_v<F>;

template <class F>
inline constexpr bool is_function_pointer = std::is_pointer_v<F> &&
    std::is_function_v<std::remove_pointer_t<F>>;

/// How `F` is called: with the parameters that it declares, or with the arguments as they are where
/// it is a template or overloaded. Without a std::stop_token that comes first.
template <class F, class... A>
struct call_parameters {
    template <class... P>
    static consteval auto without_token(types<P...> all) {
        return all;
    }
    template <class First, class... P>
        requires std::same_as<std::decay_t<First>, std::stop_token>
    static consteval auto without_token(types<First, P...>) {
        return types<P...>();
    }
    static consteval auto find() {
        if constexpr (signature_of<F>::known) {
            return without_token(typename signature_of<F>::parameters());
        } else {
            return types<A...>();
        }
    }
    using type = decltype(find());
};

template <class F, class... P>
concept takes_token_first = std::is_invocable_v<F&, std::stop_token, std::decay_t<P>...>;

template <class F, class Parameters>
struct call_result {
    static constexpr bool exists = false;
    static constexpr bool takes_token = false;
};
template <class F, class... P>
    requires(std::is_invocable_v<F&, std::decay_t<P>...> && !takes_token_first<F, P...>)
struct call_result<F, types<P...>> {
    static constexpr bool exists = true;
    static constexpr bool takes_token = false;
    using type = std::invoke_result_t<F&, std::decay_t<P>...>;
};
template <class F, class... P>
    requires takes_token_first<F, P...>
struct call_result<F, types<P...>> {
    static constexpr bool exists = true;
    static constexpr bool takes_token = true;
    using type = std::invoke_result_t<F&, std::stop_token, std::decay_t<P>...>;
};

/// Hands the parts of a call to a template <F, takes a token, result, kept parameters...>.
template <class F, class... A>
struct call_shape {
    using parameters = typename call_parameters<F, A...>::type;
    using call = call_result<F, parameters>;
    using result = typename call::type;

    template <template <class, bool, class, class...> class Template, class List>
    struct filled;
    template <template <class, bool, class, class...> class Template, class... P>
    struct filled<Template, types<P...>> {
        using type = Template<F, call::takes_token, result, std::decay_t<P>...>;
    };
    template <template <class, bool, class, class...> class Template>
    using apply = typename filled<Template, parameters>::type;
};

enum class call_problem {
    none,
    member_function,
    no_call,
    changes_argument,
    callable,
    argument,
    coroutine,
    result,
};

template <class... P>
consteval bool takes_mutable_reference(types<P...>) {
    return ((std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>) || ...);
}
template <class... P>
consteval bool all_serialisable(types<P...>) {
    return (serialisable<std::decay_t<P>> && ...);
}
/// Whether a call would convert each of the arguments.
template <class... A, class... P>
consteval bool all_convertible(types<A...>, types<P...>) {
    if constexpr (sizeof...(A) != sizeof...(P)) {
        return false;
    } else {
        return (std::is_convertible_v<A, std::decay_t<P>> && ...);
    }
}

template <class R>
consteval call_problem result_problem() {
    if constexpr (is_task<R>) {
        return call_problem::coroutine;
    } else if constexpr (std::is_void_v<R> || serialisable<R>) {
        return call_problem::none;
    } else {
        return call_problem::result;
    }
}

/// What keeps a call of `F` with `A...` from being sent; the first thing that a user would mend.
template <class F, class... A>
consteval call_problem call_problem_of() {
    using parameters = typename call_parameters<F, A...>::type;
    if constexpr (std::is_member_pointer_v<F>) {
        return call_problem::member_function;
    } else if constexpr (signature_of<F>::known && takes_mutable_reference(parameters())) {
        return call_problem::changes_argument;
    } else if constexpr (!call_result<F, parameters>::exists ||
                         !all_convertible(types<A...>(), parameters())) {
        return call_problem::no_call;
    } else if constexpr (!is_function_pointer<F> && !is_stateless<F> && !serialisable<F>) {
        return call_problem::callable;
    } else if constexpr (!all_serialisable(parameters())) {
        return call_problem::argument;
    } else {
        return result_problem<typename call_result<F, parameters>::type>();
    }
}

/// One sentence for what cannot be sent.
template <class F, class... A>
consteval void check_call() {
    constexpr call_problem problem = call_problem_of<F, A...>();
    static_assert(
        problem != call_problem::no_call,
        "green: submit takes a callable and the arguments to call it with"
    );
    static_assert(
        problem != call_problem::member_function,
        "green: a member function cannot be sent to another process by itself: submit a lambda "
        "without "
        "captures that calls it, and the object as an argument"
    );
    static_assert(
        problem != call_problem::changes_argument,
        "green: a job in another process cannot change what its caller owns: take the argument by "
        "value or by const reference, and return the result"
    );
    static_assert(
        problem != call_problem::callable,
        "green: this callable cannot be sent to another process: submit a function, a lambda "
        "without "
        "captures, or a struct with operator() and members that can be sent; pass what a lambda "
        "would "
        "capture as arguments"
    );
    static_assert(
        problem != call_problem::argument,
        "green: an argument of this job cannot be sent to another process: take values, not "
        "pointers, "
        "references or views, and shared_array<const T>, not shared_array<T>; include "
        "<green/executor/codec_std.hpp> for maps, sets and lists; "
        "specialise green::codec for a class of your own"
    );
    static_assert(
        problem != call_problem::coroutine,
        "green: a job in another process cannot be a coroutine: there is no loop in a worker"
    );
    static_assert(
        problem != call_problem::result,
        "green: the result of this job cannot be sent back from another process: return a value, "
        "not "
        "a pointer, reference or view, and shared_array<const T>, not shared_array<T>; include "
        "<green/executor/codec_std.hpp> for maps, sets and "
        "lists; specialise green::codec for a class of your own"
    );
}

}  // namespace green::detail
