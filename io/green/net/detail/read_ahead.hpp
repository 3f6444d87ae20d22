#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace green::detail {

/// Bytes that have been taken from a stream and that nobody has got yet, in order. Holds no memory when
/// there are none.
class read_ahead {
public:
    bool empty() const noexcept { return begin_ == bytes_.size(); }
    std::size_t size() const noexcept { return bytes_.size() - begin_; }
    std::string_view view() const noexcept { return std::string_view(bytes_).substr(begin_); }

    void append(std::string_view more) {
        if (begin_ > bytes_.size() / 2) compact();
        bytes_ += more;
    }
    /// Before all others.
    void put_back(std::string_view first) {
        bytes_.replace(0, begin_, first);
        begin_ = 0;
    }

    /// As many as there are and as fit. How many.
    std::size_t take(std::span<std::byte> into) noexcept {
        std::size_t const n = size() < into.size() ? size() : into.size();
        if (n > 0) std::memcpy(into.data(), bytes_.data() + begin_, n);
        drop(n);
        return n;
    }
    /// The first `count`, which are there.
    std::string take(std::size_t count) {
        std::string taken(view().substr(0, count));
        drop(count);
        return taken;
    }

    std::string take_all() {
        compact();
        return std::exchange(bytes_, {});
    }

private:
    void drop(std::size_t count) noexcept {
        begin_ += count;
        if (!empty()) return;
        std::string().swap(bytes_);
        begin_ = 0;
    }
    void compact() noexcept {
        bytes_.erase(0, begin_);
        begin_ = 0;
    }

    std::string bytes_;
    std::size_t begin_ = 0;
};

/// Looks for a delimiter in bytes that grow at their end, each time only where it has not looked yet.
class delimiter_search {
public:
    static constexpr std::size_t not_found = static_cast<std::size_t>(-1);

    /// Where the delimiter ends in the first `limit` bytes of `bytes`, or not_found.
    std::size_t find(
        std::string_view bytes, std::string_view delimiter, std::size_t limit
    ) noexcept {
        std::string_view const within = bytes.substr(0, limit);
        std::size_t const at = within.find(delimiter, looked_at_);
        if (at != std::string_view::npos) return at + delimiter.size();
        if (within.size() >= delimiter.size()) looked_at_ = within.size() - delimiter.size() + 1;
        return not_found;
    }

private:
    std::size_t looked_at_ = 0;
};

}  // namespace green::detail
