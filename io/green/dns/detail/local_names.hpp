#pragma once

#include <green/core/time.hpp>
#include <green/dns/detail/hosts_file.hpp>
#include <green/dns/detail/name.hpp>
#include <green/net/address.hpp>

#include <string>
#include <vector>

namespace green::detail {

/// Names that are answered on this machine: literals, localhost, those that never exist, and the
/// hosts file.
class local_names {
public:
    explicit local_names(std::string hosts_path) : hosts_path_(std::move(hosts_path)) {}

    /// True when `name` is such a one; `found` are its addresses of the family. Throws dns_error for
    /// what cannot be a name, never exists, or has no address of the family. `host` is the name as
    /// the user wrote it.
    bool answer(
        const checked_name& name,
        const std::string& host,
        int family,
        clock::time_point now,
        std::vector<address>& found
    );

    /// The hosts file, looked at every few seconds at most; empty without a path.
    const hosts_file& hosts(clock::time_point now);

private:
    std::string hosts_path_;
    hosts_file hosts_;
    clock::time_point hosts_checked_{};
    bool hosts_loaded_ = false;
};

}  // namespace green::detail
