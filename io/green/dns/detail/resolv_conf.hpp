#pragma once

#include <green/dns/detail/file_stamp.hpp>
#include <green/net/address.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace green::detail {

/// What resolv.conf(5) and the environment say, with the limits of glibc 2.36.
struct resolv_conf {
    std::vector<address> nameservers;  // three at most, never empty
    std::vector<std::string> search;  // lower-cased, without final dots; empty: the root
    unsigned ndots = 1;
    // Empty when not given: the resolver's own defaults are shorter than those of glibc.
    std::optional<std::chrono::seconds> timeout;
    std::optional<unsigned> attempts;
    bool rotate = false;
    bool use_vc = false;
    file_stamp stamp;

    /// Says the same; the stamp does not count.
    friend bool operator==(const resolv_conf& a, const resolv_conf& b);
};

/// What may override or complete the file.
struct resolv_environment {
    std::optional<std::string> localdomain;  // LOCALDOMAIN: instead of `search`
    std::optional<std::string> res_options;  // RES_OPTIONS: after `options`
    std::string hostname;  // its domain is searched when nothing else says what

    static resolv_environment current();
};

/// Later lines win, as in glibc; lines that make no sense are skipped. Without a name server the
/// one on this host, 127.0.0.1:53, is asked.
resolv_conf parse_resolv_conf(std::string_view text, const resolv_environment& environment = {});

resolv_conf load_resolv_conf(const char* path = "/etc/resolv.conf");

}  // namespace green::detail
