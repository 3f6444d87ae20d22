#include <green/dns/resolver_config.hpp>

#include <green/dns/detail/resolv_conf.hpp>

namespace green {

resolver_config resolver_config::system() {
    detail::resolv_conf const file = detail::load_resolv_conf();
    resolver_config config;
    config.servers = file.nameservers;
    config.search = file.search;
    config.ndots = static_cast<int>(file.ndots);
    config.rotate = file.rotate;
    if (file.timeout) config.timeout = *file.timeout;
    if (file.attempts) config.tries = static_cast<int>(*file.attempts * file.nameservers.size());
    config.hosts_path = "/etc/hosts";
    return config;
}

}  // namespace green
