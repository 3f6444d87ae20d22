#include <green/testing/dns_script.hpp>

#include <algorithm>
#include <stdexcept>

namespace green::testing {

namespace {

constexpr int most_aliases = 20;

bool fits(int family, std::uint16_t type) {
    if (family == 4) return type == type_a;
    if (family == 6) return type == type_aaaa;
    return true;
}

std::string_view parent(std::string_view name) {
    const auto dot = name.find('.');
    return dot == name.npos ? std::string_view{} : name.substr(dot + 1);
}

}  // namespace

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return out;
}

void dns_script::set(std::string_view name, rule r) {
    auto& rules = rules_[lower_case(name)];
    const int family = r.options.family;
    std::erase_if(rules, [family](const rule& old) { return old.options.family == family; });
    // Those for one family stand before that for both.
    if (family != 0)
        rules.insert(rules.begin(), std::move(r));
    else
        rules.push_back(std::move(r));
}

dns_script::rule* dns_script::find(std::string_view name, std::uint16_t type) {
    const auto among = [&](std::string_view key) -> rule* {
        const auto found = rules_.find(key);
        if (found == rules_.end()) return nullptr;
        for (rule& r : found->second) {
            if (fits(r.options.family, type)) return &r;
        }
        return nullptr;
    };
    const auto key = lower_case(name);
    if (rule* r = among(key)) return r;
    for (auto zone = parent(key); !zone.empty(); zone = parent(zone)) {
        if (rule* r = among("*." + std::string(zone))) return r;
    }
    return among("*");
}

/// Adds the aliases and addresses of the question and returns the rcode of the last name.
int dns_script::add_answers(dns_packet& packet, const dns_question& question, bool& negative) {
    std::string name = question.name;
    negative = true;
    for (int i = 0; i < most_aliases; ++i) {
        const rule* const r = find(name, question.type);
        if (!r) return rcode_not_found;
        if (r->what == action::fail) return r->rcode;
        if (r->what == action::alias) {
            packet.cname(name, r->text, r->options.ttl);
            name = r->text;
            if (question.type == type_cname) break;
            // A loop is to be seen as one: closed once, not spun out.
            if (lower_case(name) == lower_case(question.name)) break;
            continue;
        }
        for (const auto& ip : r->ips) {
            if (ip.bytes().size() != (question.type == type_a ? 4u : 16u)) continue;
            if (question.type != type_a && question.type != type_aaaa) continue;
            packet.ip(name, ip, r->options.ttl);
            negative = false;
        }
        return 0;
    }
    negative = false;
    return 0;
}

std::optional<dns_script::reply> dns_script::reply_to(const dns_question& question, bool tcp) {
    rule* const r = find(question.name, question.type);
    dns_reply_options options;
    if (r) {
        if (r->options.lose > 0) {
            --r->options.lose;
            return std::nullopt;
        }
        options = r->options;
    }
    if (r && r->what == action::silent) return std::nullopt;

    dns_packet packet(question);
    if (options.truncated && !tcp) {
        packet.truncated();
    } else if (r && r->what == action::garbage) {
        std::vector<std::byte> bytes = packet.bytes();
        bytes[7] = std::byte{1};
        for (const char c : r->text) bytes.push_back(static_cast<std::byte>(c));
        return reply{std::move(bytes), options.delay};
    } else {
        bool negative = false;
        const int rcode = add_answers(packet, question, negative);
        packet.rcode(rcode);
        const bool no_such = rcode == 0 || rcode == rcode_not_found;
        if (negative && no_such && options.soa) {
            const auto zone = parent(question.name);
            packet.soa(zone.empty() ? "test" : zone, options.ttl, options.ttl);
        }
    }
    if (question.edns) packet.opt();
    return reply{packet.bytes(), options.delay};
}

}  // namespace green::testing
