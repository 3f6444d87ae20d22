#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace green::detail {

/// Reads a DNS message without ever leaving it: a read past the end yields zero and makes `ok()`
/// false for good, so that one test at the end of a record is enough.
class message_reader {
public:
    explicit message_reader(std::span<const std::byte> message) noexcept : message_(message) {}

    bool ok() const noexcept { return ok_; }
    std::size_t position() const noexcept { return at_; }
    std::size_t left() const noexcept { return message_.size() - at_; }

    std::uint8_t u8() noexcept {
        const auto b = bytes(1);
        return b.empty() ? 0 : std::to_integer<std::uint8_t>(b[0]);
    }
    std::uint16_t u16() noexcept {
        const auto b = bytes(2);
        if (b.empty()) return 0;
        const auto high = std::to_integer<unsigned>(b[0]);
        return static_cast<std::uint16_t>(high << 8 | std::to_integer<unsigned>(b[1]));
    }
    std::uint32_t u32() noexcept {
        const std::uint32_t high = u16();
        return high << 16 | u16();
    }
    std::span<const std::byte> bytes(std::size_t count) noexcept {
        if (!ok_ || count > left()) {
            ok_ = false;
            return {};
        }
        const auto out = message_.subspan(at_, count);
        at_ += count;
        return out;
    }
    void move_to(std::size_t position) noexcept {
        if (position > message_.size())
            ok_ = false;
        else
            at_ = position;
    }

    /// Moves behind a name and returns where it starts. A name is fine when its labels, followed
    /// through at most 127 compression pointers that lead strictly backwards, end within 255 bytes
    /// (RFC 1035, 4.1.4). The direction makes a loop impossible, the count keeps it cheap.
    std::size_t skip_name() noexcept;

    /// A name that `skip_name` accepted, lower-cased, without the final dot. A dot or a backslash
    /// inside a label is escaped with a backslash, what does not print as `\DDD` (RFC 4343, 2.1).
    std::string name_at(std::size_t position) const;

    /// The same in the case that it came in, for people to read.
    std::string text_at(std::size_t position) const;

    /// Whether two names that `skip_name` accepted are the same without case. Allocates nothing.
    bool same_name(std::size_t a, std::size_t b) const noexcept;

private:
    template <class F>
    std::string spell(std::size_t position, F letter) const;
    std::span<const std::byte> label_at(std::size_t& position) const noexcept;

    std::span<const std::byte> message_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

}  // namespace green::detail
