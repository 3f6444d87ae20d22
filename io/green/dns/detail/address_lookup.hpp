#pragma once

#include <green/core/task.hpp>
#include <green/dns/detail/resolver_core.hpp>
#include <green/dns/lookup_options.hpp>
#include <green/net/address.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace green::detail {

/// `resolver::resolve`:
///
///     local answer ─► hosts file ─► for each name of the search list: A and AAAA at once
///
/// `options.timeout` is not seen to here.
task<std::vector<address>> look_up_addresses(
    std::shared_ptr<resolver_core> core,
    std::string host,
    std::uint16_t port,
    lookup_options options
);

}  // namespace green::detail
