#include <green/dns/detail/message.hpp>

#include <green/dns/detail/name.hpp>

#include <algorithm>
#include <array>

namespace green::detail {

namespace {

constexpr std::size_t longest_wire_name = 255;
constexpr std::size_t most_links = 16;
constexpr int most_pointers = 127;  // as many as a name can have labels
constexpr std::uint16_t class_in = 1;

bool is_pointer(std::uint8_t head) { return (head & 0xc0) == 0xc0; }

std::size_t pointer_target(std::uint8_t head, std::uint8_t low) {
    return (static_cast<std::size_t>(head & 0x3f) << 8) | low;
}

/// A TTL with the sign bit set counts as 0 (RFC 2181, 8).
std::uint32_t as_ttl(std::uint32_t raw) { return raw > 0x7fffffff ? 0 : raw; }

struct record {
    std::size_t owner = 0;
    record_type type{};
    std::uint16_t record_class = 0;
    std::uint32_t ttl = 0;
    std::size_t data = 0;
    std::size_t data_size = 0;
};

record read_record(message_reader& in) {
    record r;
    r.owner = in.skip_name();
    r.type = static_cast<record_type>(in.u16());
    r.record_class = in.u16();
    r.ttl = as_ttl(in.u32());
    r.data_size = in.u16();
    r.data = in.position();
    in.bytes(r.data_size);
    return r;
}

/// The name that is the whole data of a record.
std::optional<std::size_t> name_in(message_reader in, const record& r) {
    in.move_to(r.data);
    const auto name = in.skip_name();
    if (!in.ok() || in.position() != r.data + r.data_size) return std::nullopt;
    return name;
}

/// The MINIMUM of a SOA record, which is its last field.
std::optional<std::uint32_t> soa_minimum(message_reader in, const record& r) {
    in.move_to(r.data);
    in.skip_name();
    in.skip_name();
    in.bytes(16);
    const auto minimum = in.u32();
    if (!in.ok() || in.position() != r.data + r.data_size) return std::nullopt;
    return as_ttl(minimum);
}

struct alias {
    std::size_t owner;
    std::size_t target;
    std::uint32_t ttl;
};

/// Follows the aliases of an answer, which may stand in any order, from the question to the last.
class alias_chain {
public:
    bool add(message_reader& in, const record& r) {
        const auto target = name_in(in, r);
        if (!target || count_ == most_links) return false;
        aliases_[count_++] = {r.owner, *target, r.ttl};
        return true;
    }

    /// False when the chain loops. `ttl` becomes the least TTL of the links.
    bool follow(const message_reader& in, std::size_t& name, std::uint32_t& ttl) const {
        for (std::size_t links = 0; links <= count_; ++links) {
            const auto end = aliases_.begin() + static_cast<std::ptrdiff_t>(count_);
            const auto next = std::find_if(aliases_.begin(), end, [&](const alias& a) {
                return in.same_name(a.owner, name);
            });
            if (next == end) return true;
            name = next->target;
            ttl = std::min(ttl, next->ttl);
        }
        return false;
    }

private:
    std::array<alias, most_links> aliases_;
    std::size_t count_ = 0;
};

/// Reads the answer section into `out`.
bool read_answers(message_reader& in, std::size_t count, std::size_t question, dns_message& out) {
    const auto first = in.position();
    const bool wants_alias = out.type == record_type::cname;
    alias_chain chain;
    bool any_alias = false;
    std::size_t matching = 0;
    const auto is_address = [&](const record& r) {
        return r.record_class == class_in && r.type == out.type &&
            (r.type == record_type::a || r.type == record_type::aaaa);
    };
    for (std::size_t i = 0; i < count; ++i) {
        const record r = read_record(in);
        if (!in.ok()) return false;
        if (r.record_class != class_in) continue;
        if (r.type == record_type::cname && !wants_alias) {
            any_alias = true;
            if (!chain.add(in, r)) return false;
        } else if (is_address(r)) {
            if (r.data_size != (r.type == record_type::a ? 4u : 16u)) return false;
            ++matching;
        }
    }
    const auto end = in.position();

    std::uint32_t ttl = 0xffffffff;
    std::size_t name = question;
    if (any_alias && !chain.follow(in, name, ttl)) return false;
    if (name != question) out.canonical = in.name_at(name);

    out.addresses.reserve(matching);
    in.move_to(first);
    for (std::size_t i = 0; i < count; ++i) {
        const record r = read_record(in);
        if (!is_address(r) || !in.same_name(r.owner, name)) continue;
        message_reader data = in;
        data.move_to(r.data);
        out.addresses.push_back(address::from_bytes(data.bytes(r.data_size)));
        ttl = std::min(ttl, r.ttl);
    }
    if (ttl != 0xffffffff) out.ttl = ttl;
    in.move_to(end);
    return true;
}

}  // namespace

std::uint8_t message_reader::u8() noexcept {
    const auto b = bytes(1);
    return b.empty() ? 0 : std::to_integer<std::uint8_t>(b[0]);
}

std::uint16_t message_reader::u16() noexcept {
    const auto b = bytes(2);
    if (b.empty()) return 0;
    return static_cast<std::uint16_t>(
        std::to_integer<unsigned>(b[0]) << 8 | std::to_integer<unsigned>(b[1])
    );
}

std::uint32_t message_reader::u32() noexcept {
    const std::uint32_t high = u16();
    return high << 16 | u16();
}

std::span<const std::byte> message_reader::bytes(std::size_t count) noexcept {
    if (!ok_ || count > left()) {
        ok_ = false;
        return {};
    }
    const auto out = message_.subspan(at_, count);
    at_ += count;
    return out;
}

void message_reader::move_to(std::size_t position) noexcept {
    if (position > message_.size())
        ok_ = false;
    else
        at_ = position;
}

std::size_t message_reader::skip_name() noexcept {
    const auto start = at_;
    const auto size = message_.size();
    const auto octet = [&](std::size_t i) { return std::to_integer<std::uint8_t>(message_[i]); };
    std::size_t at = at_;
    std::size_t segment = at_;  // start of the labels that are being read
    std::size_t length = 1;  // on the wire, uncompressed, with the root label
    int pointers = 0;
    while (ok_) {
        if (at >= size) break;
        const auto head = octet(at);
        if (head == 0) {
            if (pointers == 0) at_ = at + 1;
            return start;
        }
        if (is_pointer(head)) {
            if (at + 1 >= size) break;
            const auto target = pointer_target(head, octet(at + 1));
            if (target >= segment || pointers == most_pointers) break;
            if (pointers++ == 0) at_ = at + 2;
            at = segment = target;
            continue;
        }
        if (head > 63) break;  // the label types 01 and 10 never came into use
        length += head + 1u;
        if (length > longest_wire_name || head >= size - at) break;
        at += head + 1u;
    }
    ok_ = false;
    return start;
}

std::span<const std::byte> message_reader::label_at(std::size_t& position) const noexcept {
    auto head = std::to_integer<std::uint8_t>(message_[position]);
    while (is_pointer(head)) {
        position = pointer_target(head, std::to_integer<std::uint8_t>(message_[position + 1]));
        head = std::to_integer<std::uint8_t>(message_[position]);
    }
    const auto label = message_.subspan(position + 1, head);
    position += head + 1u;
    return label;
}

std::string message_reader::name_at(std::size_t position) const {
    std::string out;
    for (auto label = label_at(position); !label.empty(); label = label_at(position)) {
        if (!out.empty()) out += '.';
        for (const auto b : label) {
            const auto c = lower_case(static_cast<char>(b));
            const auto code = std::to_integer<unsigned>(b);
            if (c == '.' || c == '\\') {
                out += '\\';
                out += c;
            } else if (code > ' ' && code < 0x7f) {
                out += c;
            } else {
                out += '\\';
                out += static_cast<char>('0' + code / 100);
                out += static_cast<char>('0' + code / 10 % 10);
                out += static_cast<char>('0' + code % 10);
            }
        }
    }
    return out;
}

bool message_reader::same_name(std::size_t a, std::size_t b) const noexcept {
    const auto same_byte = [](std::byte x, std::byte y) {
        return lower_case(static_cast<char>(x)) == lower_case(static_cast<char>(y));
    };
    for (;;) {
        const auto left = label_at(a);
        const auto right = label_at(b);
        if (!std::equal(left.begin(), left.end(), right.begin(), right.end(), same_byte)) {
            return false;
        }
        if (left.empty() || a == b) return true;
    }
}

std::optional<dns_message> parse_message(std::span<const std::byte> message) {
    message_reader in(message);
    dns_message out;
    out.id = in.u16();
    const auto flags = in.u16();
    const auto questions = in.u16();
    const auto answers = in.u16();
    const auto authorities = in.u16();
    in.u16();
    const bool is_response = flags & 0x8000;
    const bool is_query_opcode = (flags & 0x7800) == 0;
    if (!in.ok() || !is_response || !is_query_opcode || questions != 1) return std::nullopt;
    out.authoritative = flags & 0x0400;
    out.truncated = flags & 0x0200;
    out.rcode = static_cast<response_code>(flags & 0x000f);

    const auto question = in.skip_name();
    out.type = static_cast<record_type>(in.u16());
    const auto question_class = in.u16();
    if (!in.ok() || question_class != class_in) return std::nullopt;
    out.question = in.name_at(question);

    if (!read_answers(in, answers, question, out)) return std::nullopt;
    for (std::size_t i = 0; i < authorities; ++i) {
        const record r = read_record(in);
        if (!in.ok()) return std::nullopt;
        if (r.type != record_type::soa || r.record_class != class_in) continue;
        const auto minimum = soa_minimum(in, r);
        if (!minimum) return std::nullopt;
        if (!out.negative_ttl) out.negative_ttl = std::min(r.ttl, *minimum);
    }
    return out;
}

}  // namespace green::detail
