#include <green/dns/detail/record_lookup.hpp>

#include <green/dns/detail/lookup.hpp>
#include <green/dns/detail/record_parser.hpp>
#include <green/dns/detail/resolver_core.hpp>
#include <green/dns/dns_error.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

namespace green::detail {
namespace {

std::chrono::seconds left_of(const lookup& l) {
    return std::max(l.ttl() - l.age(), std::chrono::seconds(0));
}

/// What a lookup for A or AAAA has found.
template <class Record>
std::vector<Record> address_records(const lookup& l) {
    std::vector<Record> records;
    for (const address& ip : l.addresses()) records.push_back({ip, left_of(l)});
    return records;
}

std::vector<raw_record> raw_address_records(const lookup& l, std::uint16_t type) {
    std::vector<raw_record> records;
    for (const address& ip : l.addresses()) {
        auto const bytes = ip.bytes();
        records.push_back({std::string(l.name()), type, {bytes.begin(), bytes.end()}, left_of(l)});
    }
    return records;
}

template <class Record>
std::vector<Record> required(std::optional<std::vector<Record>> records, const lookup& l) {
    if (!records) l.fail_unreadable();
    return std::move(*records);
}

}  // namespace

template <class Record>
task<std::vector<Record>> query_records(
    std::shared_ptr<resolver_core> core, std::string name, lookup_options options
) {
    if (core->look_due()) co_await core->look();
    lookup l(*core, name, type_of<Record>(), options);
    while (!l.advance()) co_await l.wait();
    if constexpr (is_one_of<Record, a, aaaa>) {
        co_return address_records<Record>(l);
    } else {
        co_return required(parse_records<Record>(l.packet(), l.age()), l);
    }
}

task<std::vector<raw_record>> query_raw_records(
    std::shared_ptr<resolver_core> core,
    std::string name,
    std::uint16_t type,
    lookup_options options
) {
    if (type == 0) throw std::invalid_argument("resolver::query: 0 is no type");
    if (core->look_due()) co_await core->look();
    lookup l(*core, name, static_cast<record_type>(type), options);
    while (!l.advance()) co_await l.wait();
    if (l.packet().empty()) co_return raw_address_records(l, type);
    co_return required(parse_raw_records(l.packet(), l.age()), l);
}

using core_pointer = std::shared_ptr<resolver_core>;
template task<std::vector<a>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<aaaa>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<cname>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<mx>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<txt>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<srv>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<ns>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<ptr>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<soa>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<caa>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<naptr>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<svcb>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<https>> query_records(core_pointer, std::string, lookup_options);
template task<std::vector<tlsa>> query_records(core_pointer, std::string, lookup_options);

}  // namespace green::detail
