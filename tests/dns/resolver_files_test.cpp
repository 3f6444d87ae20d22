// What a resolver does with the files of this machine, and with the families that it has.

#include "dns/addresses.hpp"
#include "dns/machine.hpp"
#include "support/green_test.hpp"

#include <green/dns/resolver.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/testing/dns_server.hpp>

#include <cerrno>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>

using namespace green;
using namespace std::chrono_literals;
using green::test::machine;
using green::testing::dns_server;
using green::testing::type_a;
using green::testing::type_aaaa;

namespace {

/// How a lookup ends: its addresses, or the word for the error.
task<std::string> outcome(resolver& r, std::string host, int family) {
    lookup_options options;
    options.family = family;
    try {
        auto const found = co_await r.resolve(std::move(host), 0, options);
        co_return green_test::text(found);
    } catch (const dns_error& e) {
        co_return std::string(to_string(e.code()));
    }
}

std::string nameserver(const dns_server& server) {
    return "nameserver " + server.address().to_string() + "\n";
}

resolver_config config_of(const machine& m) {
    resolver_config config = resolver_config::from_files(
        m.path("resolv.conf"), m.path("hosts"), m.path("nsswitch.conf")
    );
    config.local_families_only = false;
    return config;
}

/// The addresses that the machine is to have, each on an interface that is up; empty: those it has.
std::vector<const char*> interfaces;

struct interface_list {
    std::deque<ifaddrs> all;
    std::deque<address> addresses;
};

}  // namespace

// These go before the system's.
extern "C" int getifaddrs(ifaddrs** out) {
    if (interfaces.empty()) {
        using function = int (*)(ifaddrs**);
        static auto const real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "getifaddrs"));
        return real(out);
    }
    static interface_list list;
    list = {};
    for (const char* const text : interfaces) {
        address const& a = list.addresses.emplace_back(address::parse(text));
        ifaddrs& i = list.all.emplace_back();
        i.ifa_flags = IFF_UP;
        i.ifa_addr = reinterpret_cast<sockaddr*>(
            const_cast<std::byte*>(reinterpret_cast<const std::byte*>(a.data()))
        );
        if (list.all.size() > 1) list.all[list.all.size() - 2].ifa_next = &i;
    }
    *out = &list.all.front();
    return 0;
}

extern "C" void freeifaddrs(ifaddrs* list) noexcept {
    if (!interfaces.empty()) return;
    using function = void (*)(ifaddrs*);
    static auto const real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "freeifaddrs"));
    real(list);
}

GREEN_TEST("resolver: nsswitch.conf may put the servers before the hosts file", "[dns][config]") {
    machine const m;
    dns_server server;
    server.answer("both.test", {"192.0.2.1"});
    server.no_data("empty.test");
    server.silent("silent.test");
    m.write("resolv.conf", nameserver(server));
    m.write("hosts", "10.0.0.1 both.test box.test empty.test silent.test\n");
    struct row {
        const char* hosts_line;
        const char* host;
        const char* said;
    };
    row const rows[] = {
        {"hosts: files dns\n", "both.test", "10.0.0.1"},
        {"hosts: dns files\n", "both.test", "192.0.2.1"},
        {"hosts: dns files\n", "box.test", "10.0.0.1"},
        {"hosts: dns files\n", "empty.test", "10.0.0.1"},
        {"hosts: dns files\n", "silent.test", "10.0.0.1"},
        {"hosts: dns files\n", "none.test", "not_found"},
        {"hosts: dns [NOTFOUND=return] files\n", "box.test", "not_found"},
        {"hosts: dns [NOTFOUND=return] files\n", "silent.test", "10.0.0.1"},
        {"hosts: dns [!NOTFOUND=return] files\n", "silent.test", "timeout"},
        {"hosts: dns\n", "box.test", "not_found"},
        {"hosts: files [NOTFOUND=return] dns\n", "none.test", "not_found"},
    };
    for (const auto& [hosts_line, host, said] : rows) {
        m.write("nsswitch.conf", hosts_line);
        resolver r(config_of(m));
        server.reset_counters();
        std::string const found = co_await outcome(r, host, 4);
        INFO(hosts_line << host);
        REQUIRE(found == said);
        REQUIRE(
            (server.queries() == 0) == std::string_view(hosts_line).starts_with("hosts: files")
        );
    }
}

// conformance 236
GREEN_TEST("resolver: other servers in resolv.conf are asked from then on", "[dns][config]") {
    machine const m;
    dns_server old_one;
    dns_server new_one;
    old_one.answer("www.test", {"192.0.2.1"});
    old_one.answer("slow.test", {"192.0.2.1"}, {.delay = 7s});
    new_one.answer("*", {"192.0.2.2"});
    m.write("resolv.conf", nameserver(old_one) + "options timeout:10\n");
    resolver r(config_of(m));
    std::string said = co_await outcome(r, "www.test", 4);
    REQUIRE(said == "192.0.2.1");
    auto slow = spawn(outcome(r, "slow.test", 4));
    co_await sleep_for(1ms);

    m.write("resolv.conf", nameserver(new_one));
    co_await sleep_for(6s);
    said = co_await outcome(r, "www.test", 4);
    REQUIRE(said == "192.0.2.2");  // what the old one said is forgotten
    REQUIRE(r.config().servers == std::vector<address>{new_one.address()});
    said = co_await slow;
    REQUIRE(said == "192.0.2.1");  // who has asked it already has its answer
    REQUIRE(old_one.queries() == 2);
    REQUIRE(r.stats().cache_entries == 1);  // which is not kept
    said = co_await outcome(r, "slow.test", 4);
    REQUIRE(said == "192.0.2.2");
    REQUIRE(r.stats().sent == 4);
}

GREEN_TEST("resolver: a machine with one family is not asked for the other", "[dns][config]") {
    struct row {
        std::vector<const char*> addresses;
        std::string said;
        std::size_t a;
        std::size_t aaaa;
    };
    std::vector<row> const rows{
        {{"127.0.0.1", "::1", "10.0.0.5"}, "192.0.2.1", 1, 0},
        {{"127.0.0.1", "::1", "10.0.0.5", "fe80::5"}, "192.0.2.1", 1, 0},
        {{"127.0.0.1", "::1", "2001:db8::5"}, "2001:db8::1", 0, 1},
        {{"10.0.0.5", "2001:db8::5"}, "192.0.2.1 2001:db8::1", 1, 1},
        {{"127.0.0.1", "::1"}, "192.0.2.1 2001:db8::1", 1, 1},
    };
    dns_server server;
    server.answer("www.test", {"192.0.2.1", "2001:db8::1"});
    for (const row& expected : rows) {
        interfaces = expected.addresses;
        server.reset_counters();
        resolver_config config = green::testing::only(server);
        config.local_families_only = true;
        config.sort_addresses = false;
        resolver r(config);
        std::string said = co_await outcome(r, "www.test", 0);
        REQUIRE(said == expected.said);
        REQUIRE(server.queries("www.test", type_a) == expected.a);
        REQUIRE(server.queries("www.test", type_aaaa) == expected.aaaa);
        said = co_await outcome(r, "www.test", 6);  // who says so gets it
        REQUIRE(said == "2001:db8::1");
    }
    interfaces.clear();
}
