#include <green/testing/dns_record.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace green::testing {

namespace {

/// The data of a record, piece by piece.
class data_writer {
public:
    data_writer& u8(unsigned value) {
        bytes_.push_back(static_cast<std::byte>(value & 0xff));
        return *this;
    }
    data_writer& u16(unsigned value) { return u8(value >> 8).u8(value); }
    data_writer& u32(std::uint32_t value) { return u16(value >> 16).u16(value & 0xffff); }
    data_writer& bytes(std::span<const std::byte> data) {
        bytes_.insert(bytes_.end(), data.begin(), data.end());
        return *this;
    }
    data_writer& name(std::string_view text) { return bytes(wire_name(text)); }
    data_writer& text(std::string_view text) { return bytes(to_bytes(text)); }
    /// A length in one byte, then the text (RFC 1035, 3.3).
    data_writer& string(std::string_view value) {
        if (value.size() > 255) throw std::length_error("a DNS string has 255 bytes at most");
        return u8(static_cast<unsigned>(value.size())).text(value);
    }
    dns_record as(std::uint16_t type) { return {type, std::move(bytes_)}; }

private:
    std::vector<std::byte> bytes_;
};

}  // namespace

dns_record address_record(const address& ip) {
    const auto data = ip.bytes();
    return data_writer().bytes(data).as(data.size() == 4 ? type_a : type_aaaa);
}

dns_record ns_record(std::string_view host) { return {type_ns, wire_name(host)}; }
dns_record cname_record(std::string_view target) { return {type_cname, wire_name(target)}; }
dns_record ptr_record(std::string_view name) { return {type_ptr, wire_name(name)}; }

dns_record mx_record(std::uint16_t preference, std::string_view exchange) {
    return data_writer().u16(preference).name(exchange).as(type_mx);
}

dns_record txt_record(std::initializer_list<std::string_view> strings) {
    data_writer data;
    for (const auto text : strings) data.string(text);
    return data.as(type_txt);
}

dns_record srv_record(
    std::uint16_t priority, std::uint16_t weight, std::uint16_t port, std::string_view target
) {
    return data_writer().u16(priority).u16(weight).u16(port).name(target).as(type_srv);
}

dns_record soa_record(
    std::string_view primary, std::string_view mailbox, std::uint32_t serial, std::uint32_t minimum
) {
    data_writer data;
    data.name(primary).name(mailbox).u32(serial).u32(3600).u32(600).u32(86400).u32(minimum);
    return data.as(type_soa);
}

dns_record caa_record(std::uint8_t flags, std::string_view tag, std::string_view value) {
    return data_writer().u8(flags).string(tag).text(value).as(type_caa);
}

dns_record naptr_record(
    std::uint16_t order,
    std::uint16_t preference,
    std::string_view flags,
    std::string_view services,
    std::string_view regexp,
    std::string_view replacement
) {
    data_writer data;
    data.u16(order).u16(preference).string(flags).string(services).string(regexp);
    return data.name(replacement).as(type_naptr);
}

dns_record tlsa_record(
    std::uint8_t usage,
    std::uint8_t selector,
    std::uint8_t matching,
    std::span<const std::byte> data
) {
    return data_writer().u8(usage).u8(selector).u8(matching).bytes(data).as(type_tlsa);
}

dns_record svcb_record(
    std::uint16_t type,
    std::uint16_t priority,
    std::string_view target,
    std::span<const std::byte> params
) {
    return data_writer().u16(priority).name(target).bytes(params).as(type);
}

std::vector<std::byte> wire_name(std::string_view name) {
    std::vector<std::byte> out{std::byte{0}};
    std::size_t head = 0;  // where the length of the present label is
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (name[i] == '.') {
            head = out.size();
            out.push_back(std::byte{0});
            continue;
        }
        if (name[i] == '\\' && i + 1 < name.size()) ++i;
        if (out.size() - head > 63) throw std::length_error("a label has 63 bytes at most");
        out.push_back(static_cast<std::byte>(name[i]));
        out[head] = static_cast<std::byte>(out.size() - head - 1);
    }
    if (out[head] != std::byte{0}) out.push_back(std::byte{0});
    return out;
}

std::vector<std::byte> to_bytes(std::string_view text) {
    std::vector<std::byte> out;
    out.reserve(text.size());
    for (const char c : text) out.push_back(static_cast<std::byte>(c));
    return out;
}

}  // namespace green::testing
