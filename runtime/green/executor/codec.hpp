#pragma once

#include <green/executor/codec_traits.hpp>
#include <green/executor/decoder.hpp>
#include <green/executor/encoder.hpp>
#include <green/executor/fields.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace green {

/// How values of `T` travel to another process of this program and back.
///
/// There is nothing to write for: numbers, bool, enums, std::string, vector, array, optional,
/// variant, tuple, pair, unique_ptr, chrono durations and time points, filesystem::path, and
/// structs of such members (aggregates without a base class, 64 members at most). The other
/// containers and std::complex are in <green/executor/codec_std.hpp>. Pointers, references and
/// views are refused: what they refer to is not there on the other side.
///
/// For a type with an inside of its own, specialise it where the type is declared:
///
///     template <>
///     struct green::codec<account> {
///         static void encode(green::encoder& e, const account& a) { e.put(a.number()); }
///         static account decode(green::decoder& d) { return account(d.get<std::string>()); }
///     };
///
/// `decode` throws codec_error (`decoder::fail`) for what is no value of the type; other exceptions
/// of it reach the caller as they are. Both sides are the same program, so the bytes have no
/// version.
template <class T>
struct codec {
    using parts = detail::plain_parts<T>;
    static constexpr bool bitwise = detail::plain_bitwise<T>();
    static constexpr std::size_t minimum_size() { return detail::plain_minimum_size<T>(); }

    static void encode(encoder& e, const T& value) {
        if constexpr (bitwise) {
            e.write(std::addressof(value), sizeof(T));
        } else if constexpr (std::is_same_v<T, bool>) {
            auto const byte = static_cast<unsigned char>(value);
            e.write(&byte, 1);
        } else if constexpr (std::is_same_v<T, long double>) {
            e.write(&value, detail::long_double_size);
        } else if constexpr (std::is_enum_v<T>) {
            e.put(static_cast<std::underlying_type_t<T>>(value));
        } else {
            static_assert(
                !std::is_same_v<parts, detail::no_codec>,
                "green: this type cannot be sent to another process: specialise green::codec for it"
            );
            detail::with_fields(value, [&](const auto&... members) {
                (detail::encode_member(e, members), ...);
            });
        }
    }

    static T decode(decoder& d) {
        if constexpr (std::is_same_v<T, bool>) {
            return detail::decode_bool(d, "a bool");
        } else if constexpr (std::is_same_v<T, long double>) {
            T value = 0;
            d.read(&value, detail::long_double_size, "a long double");
            return value;
        } else if constexpr (bitwise) {
            return detail::decode_bits<T>(d);
        } else if constexpr (std::is_enum_v<T>) {
            return static_cast<T>(d.get<std::underlying_type_t<T>>());
        } else {
            return detail::decode_fields<T>(d, detail::fields_of<T>());
        }
    }
};

/// What can be sent to another process: has a codec, and so have its parts.
template <class T>
concept serialisable = detail::is_serialisable<T>();

template <class T>
void encoder::put(const T& value) {
    codec<T>::encode(*this, value);
}
template <class T>
T decoder::get() {
    return codec<T>::decode(*this);
}

namespace detail {

/// The arguments of a call, one after the other.
template <class... T>
void encode_all(encoder& e, const T&... values) {
    (e.put(values), ...);
}

/// What encode_all wrote, and nothing may follow.
template <class... T>
std::tuple<T...> decode_all(decoder& d, const char* what) {
    std::tuple<T...> values{d.get<T>()...};
    d.expect_end(what);
    return values;
}

}  // namespace detail

template <class Char, class Traits, class Allocator>
struct codec<std::basic_string<Char, Traits, Allocator>> {
    using string = std::basic_string<Char, Traits, Allocator>;
    using parts = detail::types<Char>;
    static constexpr std::size_t minimum_size() { return 1; }

    static void encode(encoder& e, const string& s) {
        e.write_size(s.size());
        e.write(s.data(), s.size() * sizeof(Char));
    }
    static string decode(decoder& d) {
        std::size_t const n = d.read_count(sizeof(Char), "a std::string");
        const std::byte* const at = d.take(n * sizeof(Char), "a std::string");
        if constexpr (sizeof(Char) == 1) {
            return string(reinterpret_cast<const Char*>(at), n);
        } else {
            string s(n, Char());
            if (n != 0) std::memcpy(s.data(), at, n * sizeof(Char));
            return s;
        }
    }
};

template <class T, class Allocator>
struct codec<std::vector<T, Allocator>> {
    using parts = detail::types<T>;
    static constexpr std::size_t minimum_size() { return 1; }

    static void encode(encoder& e, const std::vector<T, Allocator>& v) {
        if constexpr (detail::is_bitwise<T>) {
            e.write_size(v.size());
            e.write(v.data(), v.size() * sizeof(T));
        } else {
            detail::encode_range<T>(e, v);
        }
    }
    static std::vector<T, Allocator> decode(decoder& d) {
        if constexpr (detail::is_bitwise<T>) {
            return detail::decode_row<std::vector<T, Allocator>>(d);
        } else {
            return detail::decode_range<std::vector<T, Allocator>>(d, "a std::vector");
        }
    }
};

template <class T, std::size_t N>
struct codec<std::array<T, N>> {
    using parts = detail::types<T>;
    static constexpr bool bitwise = N != 0 && detail::is_bitwise<T>;
    static constexpr std::size_t minimum_size() { return N * detail::minimum_size<T>(); }

    static void encode(encoder& e, const std::array<T, N>& a) {
        if constexpr (bitwise) {
            e.write(a.data(), sizeof a);
        } else {
            for (const T& element : a) e.put(element);
        }
    }
    static std::array<T, N> decode(decoder& d) {
        if constexpr (bitwise) {
            return detail::decode_bits<std::array<T, N>>(d);
        } else {
            return [&]<std::size_t... I>(std::index_sequence<I...>) {
                return std::array<T, N>{{(static_cast<void>(I), d.get<T>())...}};
            }(std::make_index_sequence<N>());
        }
    }
};

template <class T>
struct codec<std::optional<T>> {
    using parts = detail::types<T>;
    static constexpr std::size_t minimum_size() { return 1; }

    static void encode(encoder& e, const std::optional<T>& o) {
        e.put(o.has_value());
        if (o) e.put(*o);
    }
    static std::optional<T> decode(decoder& d) {
        if (!detail::decode_bool(d, "a std::optional")) return std::nullopt;
        return std::optional<T>(d.get<T>());
    }
};

/// What it points to, or nothing. Not for a polymorphic class: of a derived object only the base
/// would arrive.
template <class T>
struct codec<std::unique_ptr<T>> {
    using parts = std::conditional_t<
        std::is_polymorphic_v<T> || std::is_array_v<T>,
        detail::no_codec,
        detail::types<T>>;
    static constexpr std::size_t minimum_size() { return 1; }

    static void encode(encoder& e, const std::unique_ptr<T>& p) {
        encoder::level const level(e);
        e.put(p != nullptr);
        if (p) e.put(*p);
    }
    static std::unique_ptr<T> decode(decoder& d) {
        decoder::level const level(d, "a std::unique_ptr");
        if (!detail::decode_bool(d, "a std::unique_ptr")) return nullptr;
        return std::unique_ptr<T>(new T(d.get<T>()));
    }
};

template <class... T>
struct codec<std::variant<T...>> {
    using parts = detail::types<T...>;
    static constexpr std::size_t minimum_size() { return 1; }

    static void encode(encoder& e, const std::variant<T...>& v) {
        if (v.valueless_by_exception()) detail::refuse_valueless();
        e.write_size(v.index());
        std::visit([&](const auto& alternative) { e.put(alternative); }, v);
    }
    static std::variant<T...> decode(decoder& d) {
        std::size_t const index = d.read_size("a std::variant");
        if (index >= sizeof...(T)) d.fail("a std::variant", "no such alternative");
        return decode_alternative(d, index, std::index_sequence_for<T...>());
    }

private:
    template <std::size_t... I>
    static std::variant<T...>
    decode_alternative(decoder& d, std::size_t index, std::index_sequence<I...>) {
        using function = std::variant<T...> (*)(decoder&);
        static constexpr function decoders[] = {[](decoder& from) {
            return std::variant<T...>(std::in_place_index<I>, from.get<T>());
        }...};
        return decoders[index](d);
    }
};

template <class... T>
struct codec<std::tuple<T...>> {
    using parts = detail::types<T...>;
    static constexpr std::size_t minimum_size() {
        return (std::size_t{0} + ... + detail::minimum_size<T>());
    }

    static void encode(encoder& e, const std::tuple<T...>& t) {
        std::apply([&](const T&... elements) { (e.put(elements), ...); }, t);
    }
    // In braces, for then the elements are read from left to right.
    static std::tuple<T...> decode(decoder& d) { return std::tuple<T...>{d.get<T>()...}; }
};

template <class A, class B>
struct codec<std::pair<A, B>> {
    using parts = detail::types<std::remove_const_t<A>, B>;
    static constexpr std::size_t minimum_size() {
        return detail::minimum_size<std::remove_const_t<A>>() + detail::minimum_size<B>();
    }

    static void encode(encoder& e, const std::pair<A, B>& p) {
        e.put<std::remove_const_t<A>>(p.first);
        e.put(p.second);
    }
    static std::pair<A, B> decode(decoder& d) {
        return std::pair<A, B>{d.get<std::remove_const_t<A>>(), d.get<B>()};
    }
};

template <class Rep, class Period>
struct codec<std::chrono::duration<Rep, Period>> {
    using parts = detail::types<Rep>;
    static constexpr bool bitwise = detail::is_bitwise<Rep>;
    static constexpr std::size_t minimum_size() { return detail::minimum_size<Rep>(); }

    static void encode(encoder& e, const std::chrono::duration<Rep, Period>& t) {
        e.put(t.count());
    }
    static std::chrono::duration<Rep, Period> decode(decoder& d) {
        return std::chrono::duration<Rep, Period>(d.get<Rep>());
    }
};

/// Also of the steady clock, which is one for all processes of a machine.
template <class Clock, class Duration>
struct codec<std::chrono::time_point<Clock, Duration>> {
    using parts = detail::types<Duration>;
    static constexpr bool bitwise = detail::is_bitwise<Duration>;
    static constexpr std::size_t minimum_size() { return detail::minimum_size<Duration>(); }

    static void encode(encoder& e, const std::chrono::time_point<Clock, Duration>& t) {
        e.put(t.time_since_epoch());
    }
    static std::chrono::time_point<Clock, Duration> decode(decoder& d) {
        return std::chrono::time_point<Clock, Duration>(d.get<Duration>());
    }
};

/// std::filesystem::path, known by its members: <filesystem> is a heavy header.
template <detail::path_like T>
struct codec<T> {
    using parts = detail::types<typename T::string_type>;
    static constexpr std::size_t minimum_size() { return 1; }

    static void encode(encoder& e, const T& path) { e.put(path.native()); }
    static T decode(decoder& d) { return T(d.get<typename T::string_type>()); }
};

}  // namespace green
