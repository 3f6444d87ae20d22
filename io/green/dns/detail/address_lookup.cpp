#include <green/dns/detail/address_lookup.hpp>

#include <green/core/errors.hpp>
#include <green/dns/dns_error.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace green::detail {
namespace {

/// Of two families' errors the one that says that the servers failed: "does not exist" is only
/// true if both say so.
bool is_worse(dns_errc a, dns_errc b) noexcept {
    auto const rank = [](dns_errc c) {
        return c == dns_errc::not_found ? 0 : c == dns_errc::no_data ? 1 : 2;
    };
    return rank(a) > rank(b);
}

dns_error error_of(const question& q, const std::string& host, const resolver_config& config) {
    dns_errc const code = *q.error();
    bool const answered = code != dns_errc::timeout && code != dns_errc::no_servers;
    if (answered) return dns_error(code, host, config.servers[q.last_server()].to_string());
    std::string servers;
    for (const address& s : config.servers) {
        if (!servers.empty()) servers += ", ";
        servers += s.to_string();
    }
    std::string_view const reason = code == dns_errc::no_servers ? "none can be reached" : "";
    return dns_error(code, host, servers, reason, q.tries_made());
}

/// Both families at once: what one of them finds is enough.
task<> ask_both(
    resolver_core& core,
    const std::string& name,
    const std::string& host,
    int family,
    std::vector<address>& found,
    std::optional<dns_error>& error
) {
    std::vector<std::shared_ptr<question>> asked;
    if (family != 6) asked.push_back(core.questions().ask(name, record_type::a));
    if (family != 4) asked.push_back(core.questions().ask(name, record_type::aaaa));
    for (auto const& q : asked) {
        question_wait wait(q);
        co_await wait;
        if (q->closed()) throw closed_error("resolve " + host + ": the resolver was closed");
        if (!q->error()) {
            found.insert(found.end(), q->reply().addresses.begin(), q->reply().addresses.end());
        } else if (!error || is_worse(*q->error(), error->code())) {
            error = error_of(*q, host, core.config());
        }
    }
    if (!found.empty()) error.reset();
}

/// The name as the search list completes it, one candidate after the other. The next one is for a
/// name that does not exist or has no address; a failure of the servers ends the search.
task<std::vector<address>> ask_candidates(
    resolver_core& core, const checked_name& name, const std::string& host, int family
) {
    resolver_config const& config = core.config();
    if (config.servers.empty()) {
        throw dns_error(dns_errc::no_servers, host, {}, "none is configured");
    }
    std::vector<std::string> const candidates =
        search_candidates(name, config.search, static_cast<unsigned>(std::max(config.ndots, 0)));
    std::optional<dns_error> first;
    for (const std::string& candidate : candidates) {
        std::vector<address> found;
        std::optional<dns_error> error;
        co_await ask_both(core, candidate, host, family, found, error);
        if (!error) co_return found;
        bool const try_next = error->code() == dns_errc::not_found ||
            error->code() == dns_errc::no_data;
        if (!try_next) throw dns_error(*error);
        // "Has no data" says more than "does not exist".
        if (!first || error->code() == dns_errc::no_data) first = std::move(error);
    }
    if (!first) first.emplace(dns_errc::bad_name, host, "", "too long with every search domain");
    throw dns_error(*first);
}

}  // namespace

task<std::vector<address>> look_up_addresses(
    std::shared_ptr<resolver_core> core,
    std::string host,
    std::uint16_t port,
    lookup_options options
) {
    core->begin();
    checked_name const name = check_name(host);
    std::vector<address> found;
    bool const local = core->answer_locally(name, host, options.family, found);
    if (!local) found = co_await ask_candidates(*core, name, host, options.family);
    for (address& a : found) a = a.with_port(port);
    co_return found;
}

}  // namespace green::detail
