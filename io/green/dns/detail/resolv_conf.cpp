#include <green/dns/detail/resolv_conf.hpp>

#include <green/dns/detail/name.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <tuple>

#include <unistd.h>

namespace green::detail {

namespace {

constexpr std::size_t most_nameservers = 3;  // MAXNS
constexpr unsigned largest_ndots = 15;  // RES_MAXNDOTS
constexpr unsigned longest_timeout = 30;  // RES_MAXRETRANS, seconds
constexpr unsigned most_attempts = 5;  // RES_MAXRETRY
constexpr std::uint16_t dns_port = 53;

/// Takes the next word off `line`; empty at its end.
std::string_view next_word(std::string_view& line) {
    while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
    std::size_t size = 0;
    while (size < line.size() && !is_blank(line[size])) ++size;
    const auto word = line.substr(0, size);
    line.remove_prefix(size);
    return word;
}

std::optional<unsigned> number_after(std::string_view word, std::string_view key) {
    if (!word.starts_with(key)) return std::nullopt;
    word.remove_prefix(key.size());
    unsigned value = 0;
    const auto end = word.data() + word.size();
    const auto [rest, error] = std::from_chars(word.data(), end, value);
    if (error == std::errc::result_out_of_range && rest == end) return ~0u;
    if (error != std::errc{} || rest != end) return std::nullopt;
    return value;
}

/// Skipped are those that ask for what is always done (`edns0`), for a way round servers that answer
/// only one of two questions (`single-request`: each is asked again by itself, elsewhere), and for what
/// nobody is told (`trust-ad`).
void read_options(resolv_conf& conf, std::string_view words) {
    for (auto word = next_word(words); !word.empty(); word = next_word(words)) {
        if (const auto ndots = number_after(word, "ndots:")) {
            conf.ndots = std::min(*ndots, largest_ndots);
        } else if (const auto timeout = number_after(word, "timeout:")) {
            conf.timeout = std::chrono::seconds(std::clamp(*timeout, 1u, longest_timeout));
        } else if (const auto attempts = number_after(word, "attempts:")) {
            conf.attempts = std::clamp(*attempts, 1u, most_attempts);
        } else if (word == "rotate") {
            conf.rotate = true;
        } else if (word == "use-vc") {
            conf.use_vc = true;
        }
    }
}

std::vector<std::string> read_search(std::string_view words, bool only_first) {
    std::vector<std::string> out;
    for (auto word = next_word(words); !word.empty(); word = next_word(words)) {
        auto domain = check_name(word);
        // The root says where in the list the name as it is stands.
        if (word == ".") {
            out.emplace_back();
        } else if (domain.kind != name_kind::bad && domain.kind != name_kind::literal) {
            out.push_back(std::move(domain.text));
        }
        if (only_first) break;
    }
    return out;
}

void read_nameserver(resolv_conf& conf, std::string_view words) {
    if (conf.nameservers.size() == most_nameservers) return;
    const auto server = address::try_parse(next_word(words), dns_port);
    if (server && server->family() != address_family::unix_path && server->port() != 0) {
        conf.nameservers.push_back(*server);
    }
}

}  // namespace

bool operator==(const resolv_conf& a, const resolv_conf& b) {
    const auto all = [](const resolv_conf& c) {
        return std::tie(
            c.nameservers, c.search, c.ndots, c.timeout, c.attempts, c.rotate, c.use_vc
        );
    };
    return all(a) == all(b);
}

resolv_environment resolv_environment::current() {
    resolv_environment environment;
    if (const char* value = std::getenv("LOCALDOMAIN")) environment.localdomain = value;
    if (const char* value = std::getenv("RES_OPTIONS")) environment.res_options = value;
    char name[256] = {};
    if (gethostname(name, sizeof name - 1) == 0) environment.hostname = name;
    return environment;
}

resolv_conf parse_resolv_conf(std::string_view text, const resolv_environment& environment) {
    resolv_conf conf;
    bool search_given = false;
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        // glibc takes a comment at the start of a line and behind an address; here it is one
        // wherever a word may begin, because no name and no option begins so.
        for (std::size_t i = 0; i < line.size(); ++i) {
            if ((line[i] == '#' || line[i] == ';') && (i == 0 || is_blank(line[i - 1]))) {
                line = line.substr(0, i);
            }
        }
        // The keyword stands at the start of the line.
        if (line.empty() || is_blank(line.front())) continue;
        const auto keyword = next_word(line);
        if (keyword == "nameserver") {
            read_nameserver(conf, line);
        } else if (keyword == "search" || keyword == "domain") {
            auto words = line;
            if (next_word(words).empty()) continue;
            conf.search = read_search(line, keyword == "domain");
            search_given = true;
        } else if (keyword == "options") {
            read_options(conf, line);
        }
    }
    if (environment.res_options) read_options(conf, *environment.res_options);
    if (environment.localdomain) {
        conf.search = read_search(*environment.localdomain, false);
    } else if (!search_given) {
        const std::string_view host = environment.hostname;
        const auto dot = host.find('.');
        if (dot != host.npos) conf.search = read_search(host.substr(dot + 1), true);
    }
    if (conf.nameservers.empty()) conf.nameservers.push_back(address::parse("127.0.0.1", dns_port));
    return conf;
}

resolv_conf load_resolv_conf(const char* path) {
    file_stamp stamp;
    const auto text = read_small_file(path, stamp);
    auto conf = parse_resolv_conf(text, resolv_environment::current());
    conf.stamp = stamp;
    return conf;
}

}  // namespace green::detail
