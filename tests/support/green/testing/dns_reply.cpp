#include <green/testing/dns_reply.hpp>

#include <utility>

namespace green::testing {

dns_reply dns_reply::answer(const std::vector<std::string>& ips, dns_reply_options options) {
    dns_reply reply(kind::records, options);
    for (const auto& ip : ips) reply.records_.push_back(address_record(address::parse(ip)));
    return reply;
}

dns_reply dns_reply::records(std::vector<dns_record> records, dns_reply_options options) {
    dns_reply reply(kind::records, options);
    reply.records_ = std::move(records);
    return reply;
}

dns_reply dns_reply::alias(std::string target, dns_reply_options options) {
    dns_reply reply(kind::alias, options);
    reply.target_ = std::move(target);
    return reply;
}

dns_reply dns_reply::silent(dns_reply_options options) { return {kind::silent, options}; }

dns_reply dns_reply::fail(int rcode, dns_reply_options options) {
    dns_reply reply(kind::fail, options);
    reply.rcode_ = rcode;
    return reply;
}

dns_reply dns_reply::not_found(dns_reply_options options) { return fail(rcode_not_found, options); }

dns_reply dns_reply::no_data(dns_reply_options options) { return records({}, options); }

dns_reply dns_reply::garbage(std::string_view bytes, dns_reply_options options) {
    dns_reply reply(kind::garbage, options);
    reply.bytes_ = to_bytes(bytes);
    return reply;
}

dns_reply dns_reply::datagram(std::vector<std::byte> bytes, dns_reply_options options) {
    dns_reply reply(kind::datagram, options);
    reply.bytes_ = std::move(bytes);
    return reply;
}

dns_reply dns_reply::computed(function f, dns_reply_options options) {
    dns_reply reply(kind::computed, options);
    reply.function_ = std::move(f);
    return reply;
}

}  // namespace green::testing
