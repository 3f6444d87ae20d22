#pragma once

#include <green/net/chunk.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace green {

/// Memory that is to be written: made from a text or from bytes, which have to stay until it is.
///
///     const_buffer const answer[] = {head, body, "\r\n"};
///     co_await s.write_all(answer);  // with one system call
class const_buffer {
public:
    const_buffer() noexcept = default;
    // NOLINTBEGIN(google-explicit-constructor): so that a list of them reads as what it is
    const_buffer(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
    const_buffer(std::string_view text) noexcept : bytes_(std::as_bytes(std::span(text))) {}
    const_buffer(const std::string& text) noexcept : const_buffer(std::string_view(text)) {}
    const_buffer(const char* text) noexcept : const_buffer(std::string_view(text)) {}
    const_buffer(const chunk& c) noexcept : bytes_(c.data(), c.size()) {}
    // NOLINTEND(google-explicit-constructor)

    const std::byte* data() const noexcept { return bytes_.data(); }
    std::size_t size() const noexcept { return bytes_.size(); }

private:
    std::span<const std::byte> bytes_;
};

}  // namespace green
