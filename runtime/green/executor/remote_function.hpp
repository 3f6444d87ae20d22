#pragma once

#include <green/executor/call_shape.hpp>
#include <green/executor/code_module.hpp>
#include <green/executor/codec.hpp>
#include <green/executor/remote_error.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stop_token>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

// How a call travels to another process of this program.
//
//     request   descriptor: module, offset, magic │ function: module, offset, or its members │ arguments
//     reply     0 │ result      or      1 │ what was thrown
//
// A descriptor is a constant {magic, trampoline} that exists once for each kind of call. Its place
// in its module is its identity: no names, which two files may share, and no registry, which would
// have to be filled before main. The magic holds a hash of all the types of the call, so that a
// place that leads to something else is found out before anything is called.

namespace green::detail {

/// Decodes what follows the descriptor, calls, and encodes the result.
using remote_trampoline = void (*)(decoder& request, encoder& reply, const std::stop_token& stop);

struct remote_descriptor {
    std::uint64_t magic;
    remote_trampoline run;
};

/// FNV-1a of the name of the type, from a start that no other hash has.
template <class Call>
consteval std::uint64_t magic_of() {
    std::uint64_t hash = 0x677265656e2d6a6fU;
    for (char const c : std::string_view(__PRETTY_FUNCTION__)) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    return hash;
}

template <class Call>
inline constexpr remote_descriptor descriptor_of{magic_of<Call>(), &Call::run};

/// The bytes that lead to a descriptor.
byte_buffer encode_descriptor(const remote_descriptor& descriptor);
/// Appends the place of a function; executor_error if it is in no module.
void encode_code(encoder& e, const void* function);
/// The address of a function in this process.
const void* decode_code(decoder& d);

/// What the first byte of a reply says.
inline constexpr bool reply_is_value = false;
inline constexpr bool reply_is_exception = true;

/// One kind of call: of an `F` with arguments that are kept as `P...`.
template <class F, bool TakesToken, class R, class... P>
struct sent_call {
    static void run(decoder& request, encoder& reply, const std::stop_token& stop) {
        if constexpr (std::is_void_v<R>) {
            invoke(request, stop);
            reply.put(reply_is_value);
        } else {
            R const result = invoke(request, stop);
            reply.put(reply_is_value);
            reply.put(result);
        }
    }

    template <class... A>
    static void encode(encoder& e, const F& f, A&&... args) {
        // The place of a descriptor does not change while there is somebody to call this. Never
        // destroyed: others call while the program exits.
        static const byte_buffer& descriptor =
            *new byte_buffer(encode_descriptor(descriptor_of<sent_call>));
        e.write(descriptor.data(), descriptor.size());
        encode_function(e, f);
        (encode_argument<P>(e, static_cast<A&&>(args)), ...);
    }

private:
    /// The function and its arguments are gone when this returns.
    static R invoke(decoder& request, const std::stop_token& stop) {
        F f = decode_function(request);
        auto args = decode_all<P...>(request, "the arguments of a job");
        return std::apply(
            [&](P&... each) -> R {
                if constexpr (TakesToken) {
                    return f(stop, std::move(each)...);
                } else {
                    return f(std::move(each)...);
                }
            },
            args
        );
    }

    static void encode_function(encoder& e, const F& f) {
        if constexpr (std::is_pointer_v<F>) {
            encode_code(e, reinterpret_cast<const void*>(f));
        } else if constexpr (!is_stateless<F>) {
            e.put(f);
        }
    }
    static F decode_function(decoder& d) {
        if constexpr (std::is_pointer_v<F>) {
            return reinterpret_cast<F>(const_cast<void*>(decode_code(d)));
        } else if constexpr (is_stateless<F>) {
            return F();
        } else {
            return d.get<F>();
        }
    }

    template <class To, class From>
    static void encode_argument(encoder& e, From&& argument) {
        if constexpr (std::is_same_v<std::remove_cvref_t<From>, To>) {
            e.put<To>(argument);
        } else {
            // As a call converts it: a literal becomes the std::string that the function takes.
            // What std::ref refers to is not copied for that.
            To const& converted = static_cast<From&&>(argument);
            e.put<To>(converted);
        }
    }
};

/// The sent_call of calling an F with arguments A....
template <class F, class... A>
using sent_call_for = typename call_shape<F, A...>::template apply<sent_call>;

/// What a job gives; void for one that cannot be sent, so that check_call's sentence is the only
/// one.
template <class F, class... A>
struct remote_result_of {
    using type = void;
};
template <class F, class... A>
    requires(call_problem_of<F, A...>() == call_problem::none)
struct remote_result_of<F, A...> {
    using type = typename call_shape<F, A...>::result;
};
template <class F, class... A>
using remote_result = typename remote_result_of<F, A...>::type;

/// Appends a request to call `f(args...)`. One readable error of the compiler for what cannot be
/// sent; executor_error, codec_error and what an argument's codec throws otherwise.
template <class F, class... A>
void encode_call(encoder& e, const F& f, A&&... args) {
    using function = std::decay_t<F>;
    check_call<function, std::decay_t<A>...>();
    if constexpr (call_problem_of<function, std::decay_t<A>...>() == call_problem::none) {
        sent_call_for<function, std::decay_t<A>...>::encode(e, f, static_cast<A&&>(args)...);
    }
}

/// Does what a request says, in the worker, and appends the reply: the result, or what was thrown,
/// be it by the job or because of the request. `stop` goes to a job that takes a token.
void run_call(decoder& request, encoder& reply, const std::stop_token& stop = {});

/// A reply in the parent: a value, or why there is none. `value` is a bool for void.
template <class T>
struct remote_outcome {
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    std::exception_ptr error;
};

/// Reads a reply. A torn one is an outcome too, a codec_error.
template <class T>
remote_outcome<T> decode_reply(decoder& reply) {
    remote_outcome<T> outcome;
    try {
        if (decode_bool(reply, "a reply") == reply_is_exception) {
            outcome.error = decode_exception(reply);
        } else if constexpr (std::is_void_v<T>) {
            outcome.value = true;
        } else {
            outcome.value.emplace(reply.get<T>());
        }
        reply.expect_end("a reply");
    } catch (...) {
        outcome.value.reset();
        outcome.error = std::current_exception();
    }
    return outcome;
}

}  // namespace green::detail
