#include <green/dns/detail/message.hpp>

#include <green/dns/detail/answer_section.hpp>

#include <algorithm>

namespace green::detail {

namespace {

/// The MINIMUM of a SOA record, which is its last field.
std::optional<std::uint32_t> soa_minimum(message_reader in, const resource_record& r) {
    in.move_to(r.data);
    in.skip_name();
    in.skip_name();
    in.bytes(16);
    const auto minimum = in.u32();
    if (!in.ok() || in.position() != r.end()) return std::nullopt;
    return minimum > 0x7fffffff ? 0 : minimum;
}

/// Reads the answer section into `out`.
bool read_answers(message_reader& in, std::size_t count, std::size_t question, dns_message& out) {
    answer_section answers;
    if (!answers.read(in, count, question, out.type)) return false;
    if (answers.owner() != question) out.canonical = in.name_at(answers.owner());
    out.records = answers.size();
    out.ttl = answers.ttl().value_or(0);
    const bool addresses = out.type == record_type::a || out.type == record_type::aaaa;
    if (!addresses) return true;
    const std::size_t size = out.type == record_type::a ? 4 : 16;
    bool sized = true;
    out.addresses.reserve(answers.size());
    answers.for_each(in, [&](const resource_record& r) {
        sized = sized && r.data_size == size;
        if (!sized) return;
        message_reader data = in;
        data.move_to(r.data);
        out.addresses.push_back(address::from_bytes(data.bytes(size)));
    });
    return sized;
}

}  // namespace

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

    if (!read_answers(in, answers, question, out)) return std::nullopt;
    for (std::size_t i = 0; i < authorities; ++i) {
        const resource_record r = read_record(in);
        if (!in.ok()) return std::nullopt;
        if (r.type != record_type::soa || r.record_class != class_in) continue;
        const auto minimum = soa_minimum(in, r);
        if (!minimum) return std::nullopt;
        if (!out.negative_ttl) out.negative_ttl = std::min(r.ttl, *minimum);
    }
    return out;
}

}  // namespace green::detail
