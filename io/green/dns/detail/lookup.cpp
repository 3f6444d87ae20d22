#include <green/dns/detail/lookup.hpp>

#include <green/core/errors.hpp>
#include <green/dns/detail/local_names.hpp>
#include <green/dns/detail/name.hpp>
#include <green/dns/detail/record_name.hpp>
#include <green/dns/detail/trace_writer.hpp>
#include <green/dns/dns_error.hpp>

#include <algorithm>
#include <utility>

namespace green::detail {
namespace {

bool try_next_candidate(dns_errc code) noexcept {
    return code == dns_errc::not_found || code == dns_errc::no_data;
}

/// Of two families' errors the one that says more: that the servers failed, then that the name
/// exists, for "does not exist" is only true if both say so.
bool says_more(dns_errc a, dns_errc b) noexcept {
    auto const rank = [](dns_errc c) {
        return c == dns_errc::not_found ? 0 : c == dns_errc::no_data ? 1 : 2;
    };
    return rank(a) > rank(b);
}

}  // namespace

lookup::lookup(resolver_core& core, const std::string& host, const lookup_options& options)
    : lookup(core, host, record_type{}, options) {}

lookup::lookup(
    resolver_core& core, const std::string& name, record_type type, const lookup_options& options
)
    : core_(core), servers_(core.questions()), host_(name), options_(options), type_(type) {}

bool lookup::advance() {
    core_.enter();
    if (!begun_) {
        if (begin()) return true;
    } else {
        collect();
        if (judge()) return true;
    }
    while (next_candidate()) {
        clock::time_point const now = clock::now();
        ask(now);
        if (wait_.size() != 0) {
            if (!addresses_.empty()) wait_.hurry(now);
            return false;
        }
        if (judge()) return true;
    }
    if (first_) return give_up(*first_);
    fail(dns_errc::bad_name, "too long with every search domain");
}

/// True when the name is answered on this machine.
bool lookup::begin() {
    begun_ = true;
    check(options_);
    core_.count_lookup();
    resolver_config const& config = servers_->config();
    bool const limited = options_.timeout != std::chrono::nanoseconds::max();
    auto const deadline = limited ? saturating_add(clock::now(), options_.timeout)
                                  : clock::time_point::max();
    wait_.set_limits(deadline, config.family_delay);
    if (auto const dots = dots_of_plain_name(host_)) {
        name_ = host_;
        dots_ = static_cast<std::uint8_t>(*dots);
    } else if (begin_special()) {
        return true;
    }
    if (trace_) trace_->name(name_);
    if (wants_records())
        absolute_ = true;
    else if (ask_files_first())
        return true;
    if (config.servers.empty()) fail(dns_errc::no_servers, "none is configured");
    return false;
}

/// What the quick look did not take for an ordinary name; it may be one nevertheless.
bool lookup::begin_special() {
    checked_name name = wants_records() ? check_record_name(host_) : check_name(host_);
    if (name.kind == name_kind::host) {
        name_ = others().checked = std::move(name.text);
        dots_ = static_cast<std::uint8_t>(name.dots);
        absolute_ = name.absolute;
        return false;
    }
    if (wants_records() && name.kind == name_kind::literal)
        fail(dns_errc::bad_name, "an address, not a name");
    addresses_ = special_addresses(name, host_, options_.family);
    if (wants_records()) {
        std::erase_if(addresses_, [this](const address& ip) {
            bool const four = ip.family() == address_family::ipv4;
            return type_ != (four ? record_type::a : record_type::aaaa);
        });
    }
    return end_locally();
}

/// What nsswitch.conf puts before the servers.
bool lookup::ask_files_first() {
    for (const lookup_step& step : core_.order()) {
        if (step.source == name_source::dns) return false;
        if (answer_from_hosts()) return true;
        if (!step.go_on_if_not_found) break;
    }
    fail(dns_errc::not_found, "nsswitch.conf says not to ask the servers");
}

/// The servers have no answer. True when the hosts file comes after them and has one.
bool lookup::give_up(const failure& f) {
    lookup_order const& order = core_.order();
    lookup_step const& dns = order.front();
    bool const files_follow = dns.source == name_source::dns && order.size() > 1;
    bool const go_on = try_next_candidate(f.code) ? dns.go_on_if_not_found : dns.go_on_if_failed;
    if (files_follow && go_on && !wants_records() && answer_from_hosts()) return true;
    fail(f);
}

bool lookup::answer_from_hosts() {
    auto const hosts = core_.hosts();
    bool const plain = !others_ || others_->checked.empty();
    std::string_view const name = plain ? host_ : others_->checked;
    bool const known = hosts && hosts->contains(name);
    if (trace_ && hosts) trace_->files(name, known);
    if (!known) return false;
    addresses_ = hosts->lookup(name, options_.family);
    return end_locally();
}

bool lookup::end_locally() {
    if (addresses_.empty())
        fail(dns_errc::no_data, wants_records() ? "" : "it has no address of this family");
    core_.count_local();
    return true;
}

/// Makes `name_` the next name to ask for.
bool lookup::next_candidate() {
    resolver_config const& config = servers_->config();
    auto const ndots = static_cast<unsigned>(std::max(config.ndots, 0));
    if (next_++ == 0 && (absolute_ || dots_ >= ndots)) return true;
    if (absolute_) return false;
    std::vector<std::string>& candidates = others().candidates;
    if (candidates.empty()) {
        checked_name original;
        original.text = name_;
        original.dots = dots_;
        candidates = search_candidates(original, config.search, ndots);
    }
    if (next_ > candidates.size()) return false;
    name_ = candidates[next_ - 1];
    return true;
}

lookup::other_names& lookup::others() {
    if (!others_) others_ = std::make_unique<other_names>();
    return *others_;
}

void lookup::ask(clock::time_point now) {
    if (trace_) trace_->candidate(name_);
    if (wants_records()) return ask(type_, now);
    families wanted{options_.family != 6, options_.family != 4};
    if (options_.family == 0) wanted = core_.local(now);
    if (wanted.v4) ask(record_type::a, now);
    if (wanted.v6) ask(record_type::aaaa, now);
}

void lookup::ask(record_type type, clock::time_point now) {
    question_key const key(name_, type);
    if (options_.use_cache && servers_->config().cache_entries != 0) {
        lookup_cache::found const known = core_.cache().find(key, now);
        if (trace_) trace_->cache(type, known);
        if (known.answer) {
            accept(*known.answer, known.age);
            if (known.refresh) servers_->ask(key);
            return;
        }
    }
    wait_.add(servers_->ask(key));
}

/// Takes what the questions have brought. One that has brought nothing is late.
void lookup::collect() {
    for (std::size_t i = 0; i < wait_.size(); ++i) {
        question const& q = wait_[i];
        if (trace_) trace_->asked(q, servers_->config());
        if (q.closed()) throw closed_error("resolve " + host_ + ": the resolver was closed");
        if (q.done())
            accept(q.result(), std::chrono::seconds(0));
        else
            too_late_ = true;
    }
}

void lookup::accept(const dns_answer& answer, std::chrono::seconds age) {
    if (answer.error) {
        if (!failure_ || says_more(*answer.error, failure_->code))
            failure_ = failure{*answer.error, answer.server, answer.tries};
        return;
    }
    std::span<const address> const found = answer.addresses();
    bool const first = !found.empty() && found.front().family() == address_family::ipv4;
    addresses_.insert(first ? addresses_.begin() : addresses_.end(), found.begin(), found.end());
    if (answer.has_packet()) records_ = answer.records;
    server_ = answer.server;
    ttl_ = std::chrono::seconds(answer.ttl.value_or(0));
    age_ = age;
}

/// True when the candidate has an answer; false when the next one is to be asked for.
bool lookup::judge() {
    if (!addresses_.empty() || records_) {
        if (!wants_records()) core_.order(addresses_);
        return true;
    }
    if (too_late_) fail_too_late();
    wait_.clear();
    failure const f = *std::exchange(failure_, std::nullopt);
    if (!try_next_candidate(f.code)) return give_up(f);
    // "Has no data" says more than "does not exist".
    if (!first_ || f.code == dns_errc::no_data) first_ = f;
    return false;
}

void lookup::fail(const failure& f) const {
    resolver_config const& config = servers_->config();
    bool const answered = f.code != dns_errc::timeout && f.code != dns_errc::no_servers;
    std::string servers;
    for (std::size_t i = 0; i < config.servers.size(); ++i) {
        if (answered && i != f.server) continue;
        if (!servers.empty()) servers += ", ";
        servers += config.servers[i].to_string();
    }
    std::string_view const reason = f.code == dns_errc::no_servers ? "none can be reached" : "";
    fail(f.code, reason, servers, f.tries);
}

/// The lookup's deadline has come, with nothing found.
void lookup::fail_too_late() const {
    std::string server;
    unsigned tries = 0;
    for (std::size_t i = 0; i < wait_.size(); ++i) {
        question const& q = wait_[i];
        if (q.queued() || q.tries_made() < tries) continue;
        tries = q.tries_made();
        server = servers_->config().servers[q.server()].to_string();
    }
    fail(dns_errc::timeout, "the lookup's own limit", server, tries);
}

void lookup::fail_unreadable() const {
    fail(
        dns_errc::bad_answer, "a malformed record", servers_->config().servers[server_].to_string()
    );
}

void lookup::fail(dns_errc code, std::string_view reason, std::string_view server, unsigned tries)
    const {
    std::string const type = wants_records() ? to_string(type_) : "";
    throw dns_error(code, host_, {type, server, reason, tries});
}

}  // namespace green::detail
