#pragma once

#include <green/dns/detail/message_reader.hpp>
#include <green/dns/detail/record_type.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace green::detail {

inline constexpr std::uint16_t class_in = 1;

/// Where in a message the parts of a record are.
struct resource_record {
    std::size_t owner = 0;
    record_type type{};
    std::uint16_t record_class = 0;
    std::uint32_t ttl = 0;  // seconds; one with the sign bit set counts as 0 (RFC 2181, 8)
    std::size_t data = 0;
    std::size_t data_size = 0;

    std::size_t end() const noexcept { return data + data_size; }
};

resource_record read_record(message_reader& in);

/// The CNAME records of an answer, which may stand in any order.
class alias_chain {
public:
    /// False when it is malformed, or the 17th.
    bool add(message_reader in, const resource_record& r);

    /// From `name` to the last target. False when the chain loops. `ttl` becomes the least TTL of
    /// the links.
    bool follow(const message_reader& in, std::size_t& name, std::uint32_t& ttl) const;

    bool empty() const noexcept { return count_ == 0; }

private:
    struct alias {
        std::size_t owner;
        std::size_t target;
        std::uint32_t ttl;
    };
    static constexpr std::size_t most = 16;

    std::array<alias, most> aliases_;
    std::size_t count_ = 0;
};

/// The records of an answer section that belong to its question: of the type asked, owned by the
/// name asked or by the end of its CNAME chain.
class answer_section {
public:
    /// Reads `count` records from where `in` stands, and leaves it behind them. False when one is
    /// malformed or the chain loops. `question` is where in the message the name asked is.
    bool read(message_reader& in, std::size_t count, std::size_t question, record_type type);

    /// Where the name is that owns the records.
    std::size_t owner() const noexcept { return owner_; }
    /// How many there are.
    std::size_t size() const noexcept { return size_; }
    /// Seconds; the least TTL of the records and the chain. Empty with neither.
    std::optional<std::uint32_t> ttl() const noexcept { return ttl_; }

    /// Calls `f(record)` for each, in the order of the message.
    template <class F>
    void for_each(message_reader in, F f) const {
        in.move_to(first_);
        for (std::size_t i = 0; i < count_; ++i) {
            resource_record const r = read_record(in);
            if (is_mine(in, r)) f(r);
        }
    }

private:
    bool is_mine(const message_reader& in, const resource_record& r) const noexcept {
        return r.type == type_ && r.record_class == class_in && in.same_name(r.owner, owner_);
    }

    record_type type_{};
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    std::size_t owner_ = 0;
    std::size_t size_ = 0;
    std::optional<std::uint32_t> ttl_;
};

}  // namespace green::detail
