#include <green/dns/detail/answer_section.hpp>

#include <algorithm>

namespace green::detail {

resource_record read_record(message_reader& in) {
    resource_record r;
    r.owner = in.skip_name();
    r.type = static_cast<record_type>(in.u16());
    r.record_class = in.u16();
    std::uint32_t const ttl = in.u32();
    r.ttl = ttl > 0x7fffffff ? 0 : ttl;
    r.data_size = in.u16();
    r.data = in.position();
    in.bytes(r.data_size);
    return r;
}

bool alias_chain::add(message_reader in, const resource_record& r) {
    in.move_to(r.data);
    std::size_t const target = in.skip_name();
    if (!in.ok() || in.position() != r.end() || count_ == most) return false;
    aliases_[count_++] = {r.owner, target, r.ttl};
    return true;
}

bool alias_chain::follow(const message_reader& in, std::size_t& name, std::uint32_t& ttl) const {
    auto const end = aliases_.begin() + static_cast<std::ptrdiff_t>(count_);
    for (std::size_t links = 0; links <= count_; ++links) {
        auto const next = std::find_if(aliases_.begin(), end, [&](const alias& a) {
            return in.same_name(a.owner, name);
        });
        if (next == end) return true;
        name = next->target;
        ttl = std::min(ttl, next->ttl);
    }
    return false;
}

bool answer_section::read(
    message_reader& in, std::size_t count, std::size_t question, record_type type
) {
    type_ = type;
    first_ = in.position();
    count_ = count;
    owner_ = question;
    size_ = 0;
    bool any = false;
    alias_chain chain;
    for (std::size_t i = 0; i < count; ++i) {
        resource_record const r = read_record(in);
        if (!in.ok()) return false;
        if (r.record_class != class_in) continue;
        bool const is_alias = r.type == record_type::cname && type != record_type::cname;
        if (is_alias && !chain.add(in, r)) return false;
        any = any || r.type == type;
    }
    constexpr std::uint32_t none = 0xffffffff;
    std::uint32_t ttl = none;
    if (!chain.empty() && !chain.follow(in, owner_, ttl)) return false;
    if (any) {
        for_each(in, [&](const resource_record& r) {
            ++size_;
            ttl = std::min(ttl, r.ttl);
        });
    }
    ttl_ = ttl == none ? std::nullopt : std::optional(ttl);
    return true;
}

}  // namespace green::detail
