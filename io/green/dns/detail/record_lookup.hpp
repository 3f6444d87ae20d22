#pragma once

#include <green/core/task.hpp>
#include <green/dns/detail/record_type.hpp>
#include <green/dns/lookup_options.hpp>
#include <green/dns/records.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace green::detail {

class resolver_core;

template <class T, class... Ts>
inline constexpr bool is_one_of = (std::is_same_v<T, Ts> || ...);

template <class Record>
inline constexpr bool is_dns_record =
    is_one_of<Record, a, aaaa, cname, mx, txt, srv, ns, ptr, soa, caa, naptr, svcb, https, tlsa>;

/// `resolver::query<Record>`; defined for all of these.
template <class Record>
task<std::vector<Record>> query_records(
    std::shared_ptr<resolver_core> core, std::string name, lookup_options options
);

task<std::vector<raw_record>> query_raw_records(
    std::shared_ptr<resolver_core> core,
    std::string name,
    std::uint16_t type,
    lookup_options options
);

}  // namespace green::detail
