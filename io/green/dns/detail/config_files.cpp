#include <green/dns/detail/config_files.hpp>

namespace green::detail {

resolver_config config_from(const resolv_conf& file) {
    resolver_config config;
    config.servers = file.nameservers;
    config.search = file.search;
    config.ndots = static_cast<int>(file.ndots);
    config.rotate = file.rotate;
    config.tcp_only = file.use_vc;
    if (file.timeout) config.timeout = *file.timeout;
    if (file.attempts) config.tries = static_cast<int>(*file.attempts * file.nameservers.size());
    return config;
}

resolver_config read_resolv_conf(const std::string& path) {
    return config_from(load_resolv_conf(path.c_str()));
}

bool adopt_changes(resolver_config& config, const resolver_config& was, const resolver_config& is) {
    bool changed = false;
    auto const adopt = [&](auto member) {
        bool const programs_own = config.*member != was.*member;
        if (programs_own || was.*member == is.*member) return;
        config.*member = is.*member;
        changed = true;
    };
    adopt(&resolver_config::servers);
    adopt(&resolver_config::search);
    adopt(&resolver_config::ndots);
    adopt(&resolver_config::rotate);
    adopt(&resolver_config::tcp_only);
    adopt(&resolver_config::timeout);
    adopt(&resolver_config::tries);
    return changed;
}

}  // namespace green::detail
