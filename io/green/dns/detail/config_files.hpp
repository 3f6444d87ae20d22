#pragma once

#include <green/dns/detail/resolv_conf.hpp>
#include <green/dns/resolver_config.hpp>

#include <string>

namespace green::detail {

/// The part of a configuration that resolv.conf(5) says; the rest is as by default.
resolver_config config_from(const resolv_conf& file);
resolver_config read_resolv_conf(const std::string& path);

/// What the file said before and now says otherwise is changed in `config`, unless the program has
/// set it itself. True when anything was.
bool adopt_changes(resolver_config& config, const resolver_config& was, const resolver_config& is);

}  // namespace green::detail
