#include <green/dns/resolver_config.hpp>

#include <green/dns/detail/config_files.hpp>

#include <utility>

namespace green {

resolver_config resolver_config::system() {
    return from_files("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf");
}

resolver_config resolver_config::from_files(
    std::string resolv_conf, std::string hosts, std::string nsswitch
) {
    resolver_config config = detail::read_resolv_conf(resolv_conf);
    config.resolv_conf_path = std::move(resolv_conf);
    config.hosts_path = std::move(hosts);
    config.nsswitch_path = std::move(nsswitch);
    config.local_families_only = true;
    return config;
}

}  // namespace green
