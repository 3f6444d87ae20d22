#pragma once

#include <green/executor/decoder.hpp>
#include <green/executor/encoder.hpp>
#include <green/executor/fields.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <limits>
#include <type_traits>
#include <utility>

// What codecs are made of: which types have one, how small their values can be, and how rows and
// ranges of values are read without believing a length.

namespace green {

template <class T>
struct codec;

namespace detail {

/// `codec<T>::parts` of a type that cannot be sent. For one that can: types<parts...>.
struct no_codec {};

// --- which types

template <class T>
consteval auto find_plain_parts() {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
        return types<>();
    } else if constexpr (has_fields<T>()) {
        if constexpr (field_count<T> > most_fields) {
            return no_codec();
        } else {
            return fields_of<T>();
        }
    } else {
        return no_codec();
    }
}

/// What the primary template of codec says of a type.
template <class T>
using plain_parts = decltype(find_plain_parts<T>());

template <class T>
concept names_parts = requires { typename codec<T>::parts; };

/// A codec that somebody else wrote, with both functions.
template <class T>
concept has_own_codec = !names_parts<T> && requires(encoder& e, decoder& d, const T& value) {
    codec<T>::encode(e, value);
    { codec<T>::decode(d) } -> std::same_as<T>;
};

/// The types that were looked at so far; Good until one that has no codec was found.
template <bool Good, class... Seen>
struct visited {};

template <class... T, class Visited>
consteval auto visit_parts(types<T...>, Visited);

template <class Visited>
consteval auto visit_parts(no_codec, Visited) {
    return visited<false>();
}

template <class T, bool Good, class... Seen>
consteval auto visit_type(visited<Good, Seen...> before) {
    if constexpr (!Good || (std::same_as<T, Seen> || ...) || std::is_arithmetic_v<T>) {
        return before;
    } else if constexpr (!std::is_object_v<T> || std::is_const_v<T> || std::is_volatile_v<T>) {
        return visited<false>();
    } else if constexpr (std::is_bounded_array_v<T>) {
        return visit_type<std::remove_cv_t<std::remove_all_extents_t<T>>>(before);
    } else if constexpr (has_own_codec<T>) {
        return visited<true, Seen..., T>();
    } else if constexpr (names_parts<T>) {
        // Recursive types come back to themselves.
        return visit_parts(typename codec<T>::parts(), visited<true, Seen..., T>());
    } else {
        return visited<false>();
    }
}

/// Folds from the left: each type sees what the ones before it have visited.
template <class Visited>
struct visiting {
    template <class T>
    consteval auto operator+(std::type_identity<T>) const {
        return visiting<decltype(visit_type<T>(Visited()))>();
    }
    using result = Visited;
};

template <class... T, class Visited>
consteval auto visit_parts(types<T...>, Visited) {
    return typename decltype((visiting<Visited>() + ... + std::type_identity<T>()))::result();
}

template <class T>
consteval bool is_serialisable() {
    return !std::is_array_v<T> &&
        !std::same_as<decltype(visit_type<T>(visited<true>())), visited<false>>;
}

// --- how small, and whether as it lies in memory

/// Bytes that a value takes at least. A codec that does not say may write nothing.
template <class T>
consteval std::size_t minimum_size() {
    if constexpr (std::is_bounded_array_v<T>) {
        return std::extent_v<T> * minimum_size<std::remove_cv_t<std::remove_extent_t<T>>>();
    } else if constexpr (requires { codec<T>::minimum_size(); }) {
        return codec<T>::minimum_size();
    } else {
        return 0;
    }
}

/// Whether the value is its bytes: every pattern is valid, and none are padding.
template <class T>
consteval bool find_bitwise() {
    if constexpr (std::is_bounded_array_v<T>) {
        return find_bitwise<std::remove_cv_t<std::remove_extent_t<T>>>();
    } else if constexpr (requires { codec<T>::bitwise; }) {
        return codec<T>::bitwise;
    } else {
        return false;
    }
}
template <class T>
inline constexpr bool is_bitwise = find_bitwise<T>();

template <class... T>
consteval bool all_bitwise(types<T...>, std::size_t size) {
    return (find_bitwise<T>() && ...) && (std::size_t{0} + ... + sizeof(T)) == size;
}

template <class T>
consteval bool plain_bitwise() {
    if constexpr (std::is_arithmetic_v<T>) {
        return !std::is_same_v<T, bool> && !std::is_same_v<T, long double>;
    } else if constexpr (std::is_enum_v<T>) {
        // Without a fixed underlying type not every bit pattern is a value.
        return requires { T{std::underlying_type_t<T>()}; } &&
            !std::is_same_v<std::underlying_type_t<T>, bool>;
    } else if constexpr (std::is_trivially_copyable_v<T> &&
                         !std::same_as<plain_parts<T>, no_codec>) {
        return all_bitwise(plain_parts<T>(), sizeof(T));
    } else {
        return false;
    }
}

/// A long double has padding; its value is in the first bytes.
inline constexpr std::size_t long_double_size = std::numeric_limits<long double>::digits == 64
    ? 10
    : sizeof(long double);

template <class... T>
consteval std::size_t sum_of_minimum_sizes(types<T...>) {
    return (std::size_t{0} + ... + minimum_size<T>());
}

template <class T>
consteval std::size_t plain_minimum_size() {
    if constexpr (std::is_same_v<T, long double>) {
        return long_double_size;
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
        return sizeof(T);
    } else {
        return sum_of_minimum_sizes(plain_parts<T>());
    }
}

/// std::filesystem::path and what is made like it.
template <class T>
concept path_like = std::is_class_v<T> && requires(const T& path) {
    { path.native() } -> std::same_as<const typename T::string_type&>;
    { T::preferred_separator } -> std::convertible_to<typename T::value_type>;
    path.root_directory();
};

// --- single values

[[noreturn]] void refuse_valueless();

/// One byte, 0 or 1.
bool decode_bool(decoder& d, const char* what);

template <class T>
T decode_bits(decoder& d) {
    std::array<std::byte, sizeof(T)> raw;
    d.read(raw.data(), raw.size(), "a number");
    return std::bit_cast<T>(raw);
}

// --- members

template <class T>
void encode_member(encoder& e, const T& member) {
    if constexpr (std::is_array_v<T>) {
        for (const auto& element : member) encode_member(e, element);
    } else {
        e.put(member);
    }
}

template <class T>
void decode_member(decoder& d, T& member) {
    if constexpr (std::is_array_v<T>) {
        for (auto& element : member) decode_member(d, element);
    } else {
        static_assert(
            !std::is_const_v<T>,
            "green: a struct that is sent and has an array member cannot have a const member too"
        );
        member = d.get<T>();
    }
}

/// Members are initialised in their order and in place; with an array among them they are assigned.
template <class T, class... F>
T decode_fields(decoder& d, types<F...>) {
    if constexpr ((std::is_array_v<F> || ...)) {
        T value{};
        with_fields(value, [&](auto&... members) { (decode_member(d, members), ...); });
        return value;
    } else {
        return T{d.get<F>()...};
    }
}

// --- ranges

/// An element that may take no bytes gets one, so that a count is never more than the bytes are.
template <class T>
inline constexpr std::size_t element_size = std::max(minimum_size<T>(), std::size_t{1});

template <class T>
void encode_element(encoder& e, const T& element) {
    e.put(element);
    if constexpr (minimum_size<T>() == 0) e.put('\0');
}

template <class T>
T decode_element(decoder& d, const char* what) {
    if constexpr (minimum_size<T>() == 0) {
        T element = d.get<T>();
        if (d.get<char>() != '\0') d.fail(what, "no end of an element");
        return element;
    } else {
        return d.get<T>();
    }
}

/// The number of elements and the elements, of type `T` for the codec.
template <class T, class Range>
void encode_range(encoder& e, const Range& range) {
    encoder::level const level(e);
    e.write_size(range.size());
    for (const auto& element : range) encode_element<T>(e, element);
}

/// Room for `n` elements of `size` bytes that are yet to be read: no more than a small multiple of
/// the bytes that are left, whatever `n` says.
constexpr std::size_t modest_reserve(std::size_t n, std::size_t size, std::size_t left) {
    return std::min(n, 4 * (left / size) + 1);
}

/// Reads a number of elements and gives each to `add`.
template <class T, class Container, class Add>
Container decode_elements(decoder& d, const char* what, Add add) {
    decoder::level const level(d, what);
    std::size_t const n = d.read_count(element_size<T>, what);
    Container c;
    if constexpr (requires { c.reserve(n); }) {
        c.reserve(modest_reserve(n, sizeof(T), d.remaining()));
    }
    for (std::size_t i = 0; i < n; ++i) add(c, decode_element<T>(d, what));
    return c;
}

template <class Container>
Container decode_range(decoder& d, const char* what) {
    using T = typename Container::value_type;
    return decode_elements<T, Container>(d, what, [](Container& c, T&& element) {
        c.push_back(std::move(element));
    });
}

/// Objects of `T` that lie in a row, at any address: as much of an iterator as the constructor of a
/// container needs. Faster than to fill a container that has set its elements to zero first.
template <class T>
class row_iterator {
public:
    using iterator_category = std::random_access_iterator_tag;
    using iterator_concept = std::random_access_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = T;

    row_iterator() = default;
    explicit row_iterator(const std::byte* at) noexcept : at_(at) {}

    T operator*() const noexcept {
        std::array<std::byte, sizeof(T)> raw;
        std::memcpy(raw.data(), at_, raw.size());
        return std::bit_cast<T>(raw);
    }
    row_iterator& operator++() noexcept {
        at_ += sizeof(T);
        return *this;
    }
    row_iterator operator++(int) noexcept {
        return row_iterator(std::exchange(at_, at_ + sizeof(T)));
    }
    friend difference_type operator-(row_iterator a, row_iterator b) noexcept {
        return (a.at_ - b.at_) / static_cast<difference_type>(sizeof(T));
    }
    friend bool operator==(row_iterator, row_iterator) = default;

private:
    const std::byte* at_ = nullptr;
};

template <class Container>
Container decode_row(decoder& d) {
    using T = typename Container::value_type;
    std::size_t const n = d.read_count(sizeof(T), "a row of numbers");
    const std::byte* const at = d.take(n * sizeof(T), "a row of numbers");
    return Container(row_iterator<T>(at), row_iterator<T>(at + n * sizeof(T)));
}

}  // namespace detail
}  // namespace green
