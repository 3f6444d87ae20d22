#pragma once

// Internal: how the chunks of a map travel to worker processes and back.

#include <green/executor/call_shape.hpp>
#include <green/executor/codec.hpp>
#include <green/executor/map_chunks.hpp>
#include <green/executor/remote_error.hpp>
#include <green/executor/remote_function.hpp>

#include <exception>
#include <tuple>

namespace green {

namespace detail {
template <class F>
concept sendable_callable = is_function_pointer<F> || is_stateless<F> || serialisable<F>;
}  // namespace detail

template <class F, class... A>
    requires detail::sendable_callable<F>
struct codec<detail::chunk_call<F, std::tuple<A...>>> {
    using call = detail::chunk_call<F, std::tuple<A...>>;

    static void encode(encoder& e, const call& c) {
        if constexpr (detail::is_function_pointer<F>) {
            detail::encode_code(e, reinterpret_cast<const void*>(c.function));
        } else if constexpr (!detail::is_stateless<F>) {
            e.put(c.function);
        }
    }
    static call decode(decoder& d) {
        if constexpr (detail::is_function_pointer<F>) {
            return {reinterpret_cast<F>(const_cast<void*>(detail::decode_code(d)))};
        } else if constexpr (detail::is_stateless<F>) {
            return {F()};
        } else {
            return {d.get<F>()};
        }
    }
};

template <>
struct codec<detail::chunk_failure> {
    static void encode(encoder& e, const detail::chunk_failure& f) {
        e.put(f.item);
        detail::encode_exception(e, f.error);
    }
    static detail::chunk_failure decode(decoder& d) {
        auto const item = d.get<std::size_t>();
        return {item, detail::decode_exception(d)};
    }
};

}  // namespace green
