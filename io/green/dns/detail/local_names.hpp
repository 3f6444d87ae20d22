#pragma once

#include <green/core/time.hpp>
#include <green/dns/detail/hosts_file.hpp>
#include <green/dns/detail/name.hpp>
#include <green/net/address.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace green::detail {

/// What of a host that is no ordinary name is its own answer: a literal, localhost. Only addresses
/// of the family (0: both). Throws dns_error for what cannot be a name or never exists. `host` is
/// the text that the user gave.
std::vector<address> special_addresses(
    const checked_name& name, const std::string& host, int family
);

/// The hosts file, looked at every few seconds at most.
class local_names {
public:
    explicit local_names(std::string hosts_path) : hosts_path_(std::move(hosts_path)) {}

    /// Null when no file is to be read.
    const hosts_file* hosts(clock::time_point now);

private:
    const std::string hosts_path_;
    hosts_file hosts_;
    clock::time_point hosts_checked_{};
    bool hosts_loaded_ = false;
};

}  // namespace green::detail
