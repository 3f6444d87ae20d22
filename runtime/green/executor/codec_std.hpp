#pragma once

#include <green/executor/codec.hpp>

#include <complex>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>

// Codecs for the containers that codec.hpp leaves out, because their headers are heavy, and for
// std::complex. An order, hash or equality that has a state is refused: it is not sent.

namespace green {
namespace detail {

template <class T>
struct sequence_codec {
    using parts = types<typename T::value_type>;
    static constexpr std::size_t minimum_size() { return 1; }

    static void encode(encoder& e, const T& c) { encode_range<typename T::value_type>(e, c); }
    static T decode(decoder& d) { return decode_range<T>(d, "a sequence"); }
};

/// Sets and maps. A key that comes twice where it must not leaves its first value.
template <class T, class Element, bool Stateless>
struct keyed_codec {
    using parts = std::conditional_t<Stateless, types<Element>, no_codec>;
    static constexpr std::size_t minimum_size() { return 1; }

    static void encode(encoder& e, const T& c) { encode_range<typename T::value_type>(e, c); }
    static T decode(decoder& d) {
        return decode_elements<Element, T>(d, "a set or map", [](T& c, Element&& element) {
            c.emplace_hint(c.end(), std::move(element));  // in order: at the end
        });
    }
};

template <class T, class Element>
using ordered_codec = keyed_codec<T, Element, std::is_empty_v<typename T::key_compare>>;
template <class T, class Element>
using hashed_codec = keyed_codec<
    T,
    Element,
    std::is_empty_v<typename T::hasher> && std::is_empty_v<typename T::key_equal>>;

}  // namespace detail

template <class T, class A>
struct codec<std::deque<T, A>> : detail::sequence_codec<std::deque<T, A>> {};
template <class T, class A>
struct codec<std::list<T, A>> : detail::sequence_codec<std::list<T, A>> {};

template <class K, class C, class A>
struct codec<std::set<K, C, A>> : detail::ordered_codec<std::set<K, C, A>, K> {};
template <class K, class C, class A>
struct codec<std::multiset<K, C, A>> : detail::ordered_codec<std::multiset<K, C, A>, K> {};
template <class K, class V, class C, class A>
struct codec<std::map<K, V, C, A>> : detail::ordered_codec<std::map<K, V, C, A>, std::pair<K, V>> {
};
template <class K, class V, class C, class A>
struct codec<std::multimap<K, V, C, A>>
    : detail::ordered_codec<std::multimap<K, V, C, A>, std::pair<K, V>> {};

template <class K, class H, class E, class A>
struct codec<std::unordered_set<K, H, E, A>>
    : detail::hashed_codec<std::unordered_set<K, H, E, A>, K> {};
template <class K, class H, class E, class A>
struct codec<std::unordered_multiset<K, H, E, A>>
    : detail::hashed_codec<std::unordered_multiset<K, H, E, A>, K> {};
template <class K, class V, class H, class E, class A>
struct codec<std::unordered_map<K, V, H, E, A>>
    : detail::hashed_codec<std::unordered_map<K, V, H, E, A>, std::pair<K, V>> {};
template <class K, class V, class H, class E, class A>
struct codec<std::unordered_multimap<K, V, H, E, A>>
    : detail::hashed_codec<std::unordered_multimap<K, V, H, E, A>, std::pair<K, V>> {};

/// The real part, then the imaginary one.
template <class T>
struct codec<std::complex<T>> {
    using parts = detail::types<T>;
    static constexpr bool bitwise = detail::is_bitwise<T>;
    static constexpr std::size_t minimum_size() { return 2 * detail::minimum_size<T>(); }

    static void encode(encoder& e, const std::complex<T>& z) {
        e.put(z.real());
        e.put(z.imag());
    }
    static std::complex<T> decode(decoder& d) {
        T const real = d.get<T>();
        return std::complex<T>(real, d.get<T>());
    }
};

}  // namespace green
