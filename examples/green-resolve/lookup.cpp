#include "lookup.hpp"

#include "options.hpp"
#include "record_text.hpp"

#include <green/loop/loop.hpp>
#include <green/net/address.hpp>
#include <green/tasks/task_group.hpp>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>

namespace tool {
namespace {

/// What the error says beyond its name and its kind: which servers, how many tries, what is wrong.
std::string detail_of(const green::dns_error& e) {
    std::string_view text = e.what();  // "resolve NAME: KIND …"
    text.remove_prefix(std::min(text.find(": "), text.size()));
    std::string const kind = ": " + std::string(green::to_string(e.code()));
    if (!text.starts_with(kind)) return e.what();
    text.remove_prefix(kind.size());
    return std::string(text.substr(std::min(text.find_first_not_of(' '), text.size())));
}

green::lookup_options limits(const options& o) {
    green::lookup_options lookup;
    lookup.timeout = o.timeout;
    return lookup;
}

void add_failure(outcome& out, std::string_view type, const green::dns_error& e) {
    out.failures.push_back({type, e.code(), detail_of(e)});
}

/// As programs get them: with the hosts file and the search list, of both families.
green::task<> ask_addresses(green::resolver& resolver, const options& o, outcome& out) {
    try {
        auto const found = co_await resolver.resolve(out.asked.name, 0, limits(o));
        for (const green::address& a : found) {
            bool const v4 = a.family() == green::address_family::ipv4;
            out.answers.push_back({v4 ? "A" : "AAAA", {}, a.ip()});
        }
    } catch (const green::dns_error& e) {
        add_failure(out, "-", e);
    }
}

/// As the servers have them.
template <class Record>
green::task<> ask_records(
    green::resolver& resolver, const options& o, outcome& out, std::string_view type
) {
    try {
        auto const found = co_await resolver.query<Record>(out.asked.name, limits(o));
        for (const Record& r : found) out.answers.push_back({type, r.ttl, text_of(r)});
    } catch (const green::dns_error& e) {
        add_failure(out, type, e);
    }
}

/// An address has its name in the tree of reverse names.
green::task<> ask_pointers(
    green::resolver& resolver, const options& o, outcome& out, std::string_view type
) {
    std::optional<green::address> const ip = green::address::try_parse(out.asked.name);
    if (!ip || ip->family() == green::address_family::unix_path) {
        co_return co_await ask_records<green::ptr>(resolver, o, out, type);
    }
    try {
        std::string name = co_await resolver.reverse(*ip, limits(o));
        out.answers.push_back({type, {}, std::move(name)});
    } catch (const green::dns_error& e) {
        add_failure(out, type, e);
    }
}

constexpr record_kind all_kinds[] = {
    {"A", ask_records<green::a>},
    {"AAAA", ask_records<green::aaaa>},
    {"CAA", ask_records<green::caa>},
    {"CNAME", ask_records<green::cname>},
    {"HTTPS", ask_records<green::https>},
    {"MX", ask_records<green::mx>},
    {"NAPTR", ask_records<green::naptr>},
    {"NS", ask_records<green::ns>},
    {"PTR", ask_pointers},
    {"SOA", ask_records<green::soa>},
    {"SRV", ask_records<green::srv>},
    {"SVCB", ask_records<green::svcb>},
    {"TLSA", ask_records<green::tlsa>},
    {"TXT", ask_records<green::txt>},
};

/// What is wrong with the name itself is so for every type, and is said once.
void merge_failures(outcome& out) {
    if (out.failures.size() < 2 || !out.answers.empty()) return;
    green::dns_errc const code = out.failures.front().code;
    if (code != green::dns_errc::bad_name && code != green::dns_errc::not_found) return;
    if (!std::ranges::all_of(out.failures, [code](auto& f) { return f.code == code; })) return;
    out.failures.erase(out.failures.begin() + 1, out.failures.end());
    out.failures.front().type = "-";
}

/// All types at once; what they give stays in the order in which they were asked for.
green::task<> ask_kinds(green::resolver& resolver, const options& o, outcome& out) {
    std::vector<outcome> parts(o.kinds.size());
    auto const body = [&](green::task_group& group) -> green::task<> {
        for (std::size_t i = 0; i < parts.size(); ++i) {
            parts[i].asked.name = out.asked.name;
            group.spawn(o.kinds[i]->ask(resolver, o, parts[i], o.kinds[i]->name));
        }
        co_return;
    };
    co_await green::with_group(body);
    for (outcome& part : parts) {
        std::ranges::move(part.answers, std::back_inserter(out.answers));
        std::ranges::move(part.failures, std::back_inserter(out.failures));
    }
    merge_failures(out);
}

green::task<> ask_all(green::resolver& resolver, const options& o, outcome& out) {
    if (!out.asked.problem.empty()) {
        std::string reason = "(" + std::string(out.asked.problem) + ")";
        out.failures.push_back({"-", green::dns_errc::bad_name, std::move(reason)});
    } else if (o.explain) {
        out.trace = co_await resolver.explain(out.asked.name, limits(o));
    } else if (o.kinds.empty()) {
        co_await ask_addresses(resolver, o, out);
    } else if (o.kinds.size() == 1) {
        const record_kind& kind = *o.kinds.front();
        co_await kind.ask(resolver, o, out, kind.name);
    } else {
        co_await ask_kinds(resolver, o, out);
    }
}

bool is_absence(green::dns_errc code) noexcept {
    return code == green::dns_errc::not_found || code == green::dns_errc::no_data;
}

}  // namespace

verdict outcome::judge() const noexcept {
    if (trace) return trace->answered ? verdict::answered : verdict::failed;
    if (!answers.empty()) return verdict::answered;
    auto const absent = [](const failure& f) { return is_absence(f.code); };
    return std::ranges::all_of(failures, absent) ? verdict::not_found : verdict::failed;
}

green::dns_errc outcome::cause() const noexcept {
    auto const real = std::ranges::find_if_not(failures, is_absence, &failure::code);
    return real == failures.end() ? green::dns_errc::not_found : real->code;
}

const record_kind* find_kind(std::string_view name) noexcept {
    auto const same = [](char a, char b) {
        return a == std::toupper(static_cast<unsigned char>(b));
    };
    for (const record_kind& kind : all_kinds) {
        if (std::ranges::equal(kind.name, name, same)) return &kind;
    }
    return nullptr;
}

std::string kind_names() {
    std::string names;
    for (const record_kind& kind : all_kinds) {
        if (!names.empty()) names += ", ";
        names += kind.name;
    }
    return names;
}

green::task<outcome> look_up(green::resolver& resolver, const options& o, entry asked) {
    outcome out;
    out.asked = std::move(asked);
    auto const start = green::now();
    co_await ask_all(resolver, o, out);
    out.took = green::now() - start;
    co_return out;
}

green::resolver_config configure(const options& o) {
    green::resolver_config config = green::resolver_config::system();
    if (!o.servers.empty()) config.servers = o.servers;
    config.tries = static_cast<int>(o.retries) + 1;
    // The answers are to be the same on every machine.
    config.local_families_only = false;
    config.sort_addresses = false;
    if (o.concurrency != 0) {
        std::size_t const servers = std::max<std::size_t>(config.servers.size(), 1);
        std::size_t const each = (o.concurrency * o.questions() + servers - 1) / servers;
        config.max_in_flight = std::min<std::size_t>(each, 1000);
    }
    return config;
}

std::size_t names_at_once(const options& o, const green::resolver_config& config) noexcept {
    if (o.explain) return 1;
    if (o.concurrency != 0) return o.concurrency;
    std::size_t const questions = config.max_in_flight * config.servers.size();
    return std::max<std::size_t>(questions / o.questions(), 1);
}

}  // namespace tool
