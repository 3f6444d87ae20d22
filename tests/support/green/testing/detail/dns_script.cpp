#include <green/testing/detail/dns_script.hpp>

#include <algorithm>
#include <stdexcept>

namespace green::testing::detail {

namespace {

constexpr int most_aliases = 20;

std::string_view parent(std::string_view name) {
    const auto dot = name.find('.');
    return dot == name.npos ? std::string_view{} : name.substr(dot + 1);
}

/// The question as `fault` lets it come back.
dns_question spoilt(dns_question question, dns_fault fault) {
    if (fault == dns_fault::wrong_id) question.id ^= 0x5555;
    if (fault == dns_fault::wrong_question) question.name = "wrong." + question.name;
    if (fault == dns_fault::folded_case) question.name = lower_case(question.name);
    return question;
}

void cut(std::vector<std::byte>& packet, dns_fault fault) {
    if (fault == dns_fault::cut_short) packet.resize(std::min<std::size_t>(packet.size(), 6));
    if (fault == dns_fault::empty) packet.clear();
}

}  // namespace

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return out;
}

void dns_script::set(std::string_view name, std::vector<dns_reply> tries) {
    if (tries.empty()) throw std::invalid_argument("DNS test server: a script without a reply");
    const auto type = tries.front().options().type;
    auto& rules = rules_[lower_case(name)];
    std::erase_if(rules, [type](const rule& old) { return old.type == type; });
    // Those for one type stand before that for all.
    auto where = type != 0 ? rules.begin() : rules.end();
    rules.insert(where, rule{type, std::move(tries), {}});
}

dns_script::rule* dns_script::find(std::string_view name, std::uint16_t type) {
    const auto among = [&](std::string_view key) -> rule* {
        const auto found = rules_.find(key);
        if (found == rules_.end()) return nullptr;
        for (rule& r : found->second) {
            if (r.type == 0 || r.type == type) return &r;
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

const dns_reply* dns_script::next_try(rule& r, const dns_question& question, bool tcp) {
    const unsigned lose = r.tries.front().options().lose;
    if (r.tries.size() == 1 && lose == 0) return &r.tries.front();

    progress& p = r.asked[{lower_case(question.name), question.type}];
    if (p.lost < lose) {
        ++p.lost;
        return nullptr;
    }
    // What comes over TCP behind a truncated reply is the same try.
    if (tcp && p.truncated && p.next > 0) --p.next;
    const dns_reply& reply = r.tries[std::min(p.next, r.tries.size() - 1)];
    ++p.next;
    p.truncated = !tcp && reply.options().truncated;
    return &reply;
}

/// The aliases and records that answer the question, and the rcode of the last name.
void dns_script::add_answers(
    dns_packet& packet, const dns_reply& first, const dns_question& question
) {
    std::string name = question.name;
    const dns_reply* reply = &first;
    bool negative = true;
    int rcode = 0;
    for (int i = 0; i < most_aliases && reply; ++i) {
        if (reply->what_ == dns_reply::kind::fail) rcode = reply->rcode_;
        if (reply->what_ != dns_reply::kind::alias) break;
        packet.record(
            dns_packet::section::answer, name, cname_record(reply->target_), reply->options_.ttl
        );
        name = reply->target_;
        if (question.type == type_cname) negative = false;
        if (question.type == type_cname || lower_case(name) == lower_case(question.name)) break;
        const rule* const next = find(name, question.type);
        reply = next ? &next->tries.front() : nullptr;
        if (!reply) rcode = rcode_not_found;
    }
    if (reply && reply->what_ == dns_reply::kind::records) {
        for (const auto& record : reply->records_) {
            if (record.type != question.type && question.type != type_any) continue;
            packet.record(dns_packet::section::answer, name, record, reply->options_.ttl);
            negative = false;
        }
    }
    packet.rcode(rcode);
    if (negative && (rcode == 0 || rcode == rcode_not_found) && first.options_.soa) {
        const auto zone = parent(question.name);
        const auto ttl = first.options_.ttl;
        packet.soa(zone.empty() ? "test" : zone, ttl, ttl);
    }
}

std::vector<std::byte> dns_script::packet(
    const dns_reply& reply, const dns_question& asked, bool tcp, bool& truncated
) {
    const auto& options = reply.options_;
    if (reply.what_ == dns_reply::kind::datagram) return reply.bytes_;

    const dns_question question = spoilt(asked, options.fault);
    const bool too_old = options.fault == dns_fault::no_edns && question.edns;
    dns_packet packet(question);
    truncated = options.truncated && !tcp;
    if (truncated) {
        packet.truncated();
    } else if (too_old) {
        packet.rcode(rcode_format_error);
    } else if (reply.what_ == dns_reply::kind::garbage) {
        auto bytes = packet.bytes();
        bytes[7] = std::byte{1};
        bytes.insert(bytes.end(), reply.bytes_.begin(), reply.bytes_.end());
        return bytes;
    } else {
        add_answers(packet, reply, question);
    }
    if (question.edns && !too_old) packet.opt();
    auto bytes = packet.bytes();
    if (!tcp && bytes.size() > question.payload) {
        truncated = true;
        bytes = dns_packet(question).truncated().bytes();
    }
    cut(bytes, options.fault);
    return bytes;
}

std::optional<dns_script::plan> dns_script::serve(const dns_question& question, bool tcp) {
    rule* const r = find(question.name, question.type);
    static const dns_reply unknown = dns_reply::not_found();
    const dns_reply* reply = r ? next_try(*r, question, tcp) : &unknown;
    if (!reply) return std::nullopt;

    plan p;
    std::optional<dns_reply> computed;
    while (reply->what_ == dns_reply::kind::computed) {
        p.delay += reply->options_.delay;
        computed = dns_reply::function(reply->function_)(question);
        reply = &*computed;
    }
    if (reply->what_ == dns_reply::kind::silent) return std::nullopt;

    const auto& options = reply->options_;
    p.delay += options.delay;
    bool truncated = false;
    auto bytes = packet(*reply, question, tcp, truncated);
    if (tcp) {
        p.delay += options.tcp_delay;
        p.tcp = options.tcp;
    } else if (options.forged_first == dns_fault::no_edns) {
        if (question.edns) {
            p.packets.push_back(dns_packet(question).rcode(rcode_format_error).bytes());
        }
    } else if (options.forged_first != dns_fault::none) {
        dns_packet forged(spoilt(question, options.forged_first));
        forged.ip(question.name, address::parse("192.0.2.66"), 3600);
        p.packets.push_back(forged.bytes());
        cut(p.packets.back(), options.forged_first);
    }
    p.packets.insert(p.packets.end(), tcp ? 1 : options.copies, bytes);
    return p;
}

}  // namespace green::testing::detail
