// Asks a real name server for the zone that run.py has given it, and prints a line for each check.
//
// usage: client ADDRESS NAMES
//
// NAMES: so many lookups of n0.green.test, n1.green.test, … are begun at once.

#include <green/core/errors.hpp>
#include <green/dns/records.hpp>
#include <green/dns/resolver.hpp>
#include <green/loop/run.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace green;
using namespace std::chrono_literals;

namespace {

int passed = 0;
int failed = 0;

void check(bool right, std::string_view what, const std::string& found) {
    ++(right ? passed : failed);
    std::printf(
        right ? "ok     %.*s\n" : "FAILED %.*s: %s\n", static_cast<int>(what.size()), what.data(),
        found.c_str()
    );
}

void check_same(std::string_view what, const std::string& found, const std::string& expected) {
    check(found == expected, what, found + ", not " + expected);
}

std::string name_of(unsigned i) { return "n" + std::to_string(i) + ".green.test"; }

/// As run.py computes it.
std::string ip_of(unsigned i) {
    return "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
        std::to_string(i & 255);
}

std::string text(const std::vector<address>& addresses) {
    std::string out;
    for (const address& a : addresses) out += (out.empty() ? "" : " ") + a.ip();
    return out;
}

/// The addresses, or the word of the error.
task<std::string> outcome(resolver& r, std::string host, int family = 0) {
    try {
        lookup_options options;
        options.family = family;
        auto const found = co_await r.resolve(std::move(host), 0, options);
        co_return text(found);
    } catch (const dns_error& e) {
        co_return std::string(to_string(e.code()));
    }
}

task<> count_wrong(resolver& r, unsigned i, int family, unsigned& wrong) {
    std::string const found = co_await outcome(r, name_of(i), family);
    char v6[32];
    std::snprintf(v6, sizeof v6, " 2001:db8::%x", i);
    std::string const expected = family == 4 ? ip_of(i) : ip_of(i) + (i == 0 ? " 2001:db8::" : v6);
    if (found != expected) ++wrong;
}

/// All at once: none may be lost, fail or get the answer of another.
task<> check_bulk(resolver& r, unsigned names, int family) {
    unsigned wrong = 0;
    auto const start = std::chrono::steady_clock::now();
    std::vector<join_handle<void>> lookups;
    lookups.reserve(names);
    for (unsigned i = 0; i < names; ++i) {
        lookups.push_back(spawn(count_wrong(r, i, family, wrong)));
    }
    co_await joinall(lookups);
    auto const stop = std::chrono::steady_clock::now();
    auto const stats = r.stats();
    std::printf(
        "       %u names in %.2f s, %llu queries, %llu timed out\n", names,
        std::chrono::duration<double>(stop - start).count(),
        static_cast<unsigned long long>(stats.sent),
        static_cast<unsigned long long>(stats.timed_out)
    );
    std::string const what = std::to_string(names) + " lookups at once" +
        (family == 0 ? ", both families" : "");
    check_same(what, std::to_string(wrong) + " wrong", "0 wrong");
}

task<> check_answers(resolver& r) {
    std::string found = co_await outcome(r, "nothing.green.test");
    check_same("a name that does not exist", found, "not_found");
    found = co_await outcome(r, "text.green.test");
    check_same("a name without an address", found, "no_data");
    found = co_await outcome(r, "chain1.green.test", 4);
    check_same("a chain of aliases", found, "10.0.0.7");
    found = co_await outcome(r, "N7.Green.TEST", 4);
    check_same("another case", found, "10.0.0.7");
    found = co_await outcome(r, "big.green.test", 4);
    auto const blanks = std::count(found.begin(), found.end(), ' ');
    check_same(
        "an answer too long for UDP", std::to_string(blanks + 1) + " addresses", "200 addresses"
    );
}

task<> check_records(resolver& r) {
    auto const mails = co_await r.query<mx>("green.test");
    check(mails.size() == 2, "MX", std::to_string(mails.size()));
    check_same("MX, the first", mails.front().exchange, "mail1.green.test");
    auto const texts = co_await r.query<txt>("text.green.test");
    check_same("TXT of two strings", texts.front().joined(), "hello, world");
    auto const services = co_await r.query<srv>("_ldap._tcp.green.test");
    check_same(
        "SRV", services.front().target + ":" + std::to_string(services.front().port),
        "n1.green.test:389"
    );
    auto const servers = co_await r.query<ns>("green.test");
    check_same("NS", servers.front().nsdname, "ns.green.test");
    auto const zones = co_await r.query<soa>("green.test");
    check_same("SOA", std::to_string(zones.front().serial), "42");
    auto const authorities = co_await r.query<caa>("green.test");
    check_same("CAA", authorities.front().tag + " " + authorities.front().value, "issue ca.test");
    auto const pointers = co_await r.query<naptr>("text.green.test");
    check_same("NAPTR", pointers.front().services, "SIP+D2U");
    auto const keys = co_await r.query<tlsa>("_443._tcp.green.test");
    check_same("TLSA", std::to_string(keys.front().data.size()) + " bytes", "32 bytes");
    auto const webs = co_await r.query<https>("web.green.test");
    auto const protocols = webs.front().alpn();
    check_same("HTTPS", protocols.empty() ? "" : protocols.front(), "h2");
    auto const reversed = co_await r.reverse(address::parse("10.0.0.7"));
    check_same("a reverse lookup", reversed, "n7.green.test");
}

task<> ask(address server, unsigned names) {
    resolver_config config;
    config.servers = {server};
    {
        resolver r(config);
        co_await check_bulk(r, names, 4);
    }
    resolver r(config);
    co_await check_bulk(r, std::min(names, 1000u), 0);
    co_await check_answers(r);
    co_await check_records(r);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: client ADDRESS NAMES\n");
        return 2;
    }
    try {
        auto const names = static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10));
        run(ask(address::parse(argv[1]), names), {.stall_threshold = 0ns});  // CI is slow
    } catch (const std::exception& e) {
        check(false, "the program", e.what());
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
