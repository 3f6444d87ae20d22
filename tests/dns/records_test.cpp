// The functions that c-ares 1.34 deprecates are those that 1.18 has.
#define CARES_NO_DEPRECATED

#include "dns/record_packets.hpp"
#include "support/green_test.hpp"

#include <green/dns/default_resolver.hpp>
#include <green/dns/detail/message.hpp>
#include <green/dns/detail/record_parser.hpp>
#include <green/dns/detail/reverse_lookup.hpp>
#include <green/dns/resolver.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/testing/dns_server.hpp>

#include <ares.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <netdb.h>

using namespace green;
using namespace std::chrono_literals;
using green::detail::parse_records;
using green::testing::dns_server;
using green::testing::only;
using green_test::random_source;
using test::damaged;

namespace {

using bytes = std::vector<std::byte>;
namespace t = green::testing;

std::vector<testing::dns_record> examples(std::uint16_t type) {
    bytes const params = {
        std::byte{0},    std::byte{1},    std::byte{0},   std::byte{6},  // alpn: h2, h3
        std::byte{2},    std::byte{'h'},  std::byte{'2'}, std::byte{2}, std::byte{'h'},
        std::byte{'3'},  std::byte{0},    std::byte{3},   std::byte{0}, std::byte{2},
        std::byte{0x20}, std::byte{0xfb}, std::byte{0},   std::byte{4}, std::byte{0},
        std::byte{4},    std::byte{192},  std::byte{0},   std::byte{2}, std::byte{7},
    };
    switch (type) {
    case t::type_a: return {t::address_record(address::parse("192.0.2.1"))};
    case t::type_aaaa: return {t::address_record(address::parse("2001:db8::1"))};
    case t::type_ns: return {t::ns_record("ns1.Example.test"), t::ns_record("ns2.example.test")};
    case t::type_ptr: return {t::ptr_record("host.example.test")};
    case t::type_cname: return {t::cname_record("target.example.test")};
    case t::type_mx: return {t::mx_record(20, "b.test"), t::mx_record(10, "a.test")};
    case t::type_txt: return {t::txt_record({"v=spf1 ", "-all"}), t::txt_record({""})};
    case t::type_srv: return {t::srv_record(2, 0, 80, ""), t::srv_record(1, 5, 443, "one.test")};
    case t::type_soa: return {t::soa_record("ns.test", "post.test", 2026, 300)};
    case t::type_caa: return {t::caa_record(128, "issue", "ca.test; x=y")};
    case t::type_naptr:
        return {
            t::naptr_record(100, 20, "s", "SIP+D2U", "", "_sip._udp.test"),
            t::naptr_record(100, 10, "u", "E2U+sip", "!^.*$!sip:x@test!", ""),
        };
    case t::type_tlsa: return {t::tlsa_record(3, 1, 1, t::to_bytes("digest"))};
    case t::type_svcb:
    case t::type_https:
        return {t::svcb_record(type, 2, "svc.test", params), t::svcb_record(type, 1, "")};
    default: return {{type, t::to_bytes("data")}};
    }
}

/// Newer versions send no name with bytes that no host name has.
bool ares_sends_blanks() {
    unsigned char* packet = nullptr;
    int size = 0;
    int const status = ares_create_query("a b.test", 1, t::type_a, 1, 1, &packet, &size, 0);
    if (packet) ares_free_string(packet);
    return status == ARES_SUCCESS;
}

constexpr std::uint16_t types[] = {
    t::type_a,     t::type_aaaa, t::type_ns,   t::type_ptr,   t::type_cname,
    t::type_mx,    t::type_txt,  t::type_srv,  t::type_soa,   t::type_caa,
    t::type_naptr, t::type_tlsa, t::type_svcb, t::type_https,
};

bytes packet_of(std::uint16_t type) { return test::packet_of(type, examples(type)); }

/// Parses a copy that ends where the allocation ends, so that AddressSanitizer sees the first byte
/// that is read behind it. The number of records; -1 when it cannot be read.
template <class Record>
int count_records(const bytes& packet) {
    std::unique_ptr<std::byte[]> const copy(new std::byte[packet.size()]);
    std::copy(packet.begin(), packet.end(), copy.get());
    auto const records = parse_records<Record>({copy.get(), packet.size()}, 0s);
    return records ? static_cast<int>(records->size()) : -1;
}

const std::map<std::uint16_t, int (*)(const bytes&)> counters = {
    {t::type_a, count_records<a>},         {t::type_aaaa, count_records<aaaa>},
    {t::type_ns, count_records<ns>},       {t::type_ptr, count_records<ptr>},
    {t::type_cname, count_records<cname>}, {t::type_mx, count_records<mx>},
    {t::type_txt, count_records<txt>},     {t::type_srv, count_records<srv>},
    {t::type_soa, count_records<soa>},     {t::type_caa, count_records<caa>},
    {t::type_naptr, count_records<naptr>}, {t::type_tlsa, count_records<tlsa>},
    {t::type_svcb, count_records<svcb>},   {t::type_https, count_records<https>},
};

}  // namespace

TEST_CASE("records: every type, read as its RFC has it", "[records]") {
    for (std::uint16_t const type : types) {
        INFO(type);
        CHECK(counters.at(type)(packet_of(type)) == static_cast<int>(examples(type).size()));
    }
    auto const mail = *parse_records<mx>(packet_of(t::type_mx), 60s);
    CHECK(mail[0].exchange == "a.test");
    CHECK(mail[1].preference == 20);
    CHECK(mail[0].ttl == 240s);
    auto const text = *parse_records<txt>(packet_of(t::type_txt), 900s);
    CHECK(text[0].strings == std::vector<std::string>{"v=spf1 ", "-all"});
    CHECK(text[0].joined() == "v=spf1 -all");
    CHECK(text[0].ttl == 0s);
    CHECK((*parse_records<ns>(packet_of(t::type_ns), 0s))[0].nsdname == "ns1.Example.test");
    CHECK((*parse_records<cname>(packet_of(t::type_cname), 0s))[0].target == "target.example.test");
    auto const start = (*parse_records<soa>(packet_of(t::type_soa), 0s))[0];
    CHECK(start.mname == "ns.test");
    CHECK(start.serial == 2026);
    CHECK(start.minimum == 300s);
    auto const service = *parse_records<srv>(packet_of(t::type_srv), 0s);
    CHECK(service[0].target == "one.test");
    CHECK(service[0].port == 443);
    CHECK(service[1].target.empty());
    auto const authority = (*parse_records<caa>(packet_of(t::type_caa), 0s))[0];
    CHECK(authority.critical());
    CHECK(authority.value == "ca.test; x=y");
    auto const rules = *parse_records<naptr>(packet_of(t::type_naptr), 0s);
    CHECK(rules[0].regexp == "!^.*$!sip:x@test!");
    CHECK(rules[1].replacement == "_sip._udp.test");
    auto const digest = (*parse_records<tlsa>(packet_of(t::type_tlsa), 0s))[0];
    CHECK(digest.usage == 3);
    CHECK(digest.data == t::to_bytes("digest"));
    auto const binding = *parse_records<https>(packet_of(t::type_https), 0s);
    CHECK(binding[0].target.empty());
    CHECK(binding[1].alpn() == std::vector<std::string>{"h2", "h3"});
    CHECK(binding[1].port() == 8443);
    CHECK(binding[1].hints() == std::vector<address>{address::parse("192.0.2.7")});
    CHECK_FALSE(binding[0].port());
}

TEST_CASE("records: what is too short, too long or of another type is no answer", "[records]") {
    auto const data = [](std::uint16_t type, std::string_view raw) {
        return test::packet_of(type, {{type, t::to_bytes(raw)}});
    };
    using namespace std::string_view_literals;
    CHECK(count_records<mx>(data(t::type_mx, "\0\1"sv)) == -1);
    CHECK(count_records<mx>(data(t::type_mx, "\0\1\0x"sv)) == -1);
    CHECK(count_records<txt>(data(t::type_txt, ""sv)) == -1);
    CHECK(count_records<txt>(data(t::type_txt, "\5abc"sv)) == -1);
    CHECK(count_records<caa>(data(t::type_caa, "\0\0x"sv)) == -1);
    CHECK(
        count_records<https>(data(t::type_https, "\0\1\0\0\1\0\0\0\1\0\0"sv)) == -1
    );  // a key twice
    CHECK(count_records<mx>(packet_of(t::type_txt)) == -1);
    CHECK(count_records<mx>({}) == -1);
}

/// GREEN_FUZZ_SECONDS=600 GREEN_TEST_TIMEOUT_SCALE=60 makes it go on for ten minutes, with other bytes
/// each time.
TEST_CASE("records: damaged messages are read to their end and no further", "[records][fuzz]") {
    std::vector<bytes> good;
    for (std::uint16_t const type : types) good.push_back(packet_of(type));
    const char* const wanted = std::getenv("GREEN_FUZZ_SECONDS");
    auto const limit = std::chrono::seconds(wanted ? std::atoi(wanted) : 0);
    auto const start = std::chrono::steady_clock::now();
    random_source random(wanted ? static_cast<std::uint64_t>(start.time_since_epoch().count()) : 5);
    std::uint64_t rounds = 0;
    std::uint64_t readable = 0;
    do {
        for (int i = 0; i < 50'000; ++i, ++rounds) {
            auto const which = static_cast<std::size_t>(random.below(static_cast<int>(good.size()))
            );
            bytes const packet = damaged(good[which], random);
            readable += counters.at(types[which])(packet) >= 0 ? 1 : 0;
            if (i % 4 == 0) {
                static_cast<void>(detail::parse_message(packet));
                static_cast<void>(detail::parse_raw_records(packet, 0s));
            }
        }
    } while (std::chrono::steady_clock::now() - start < limit);
    CHECK(readable > rounds / 10);
    CHECK(readable < rounds);
    if (wanted) WARN(rounds << " damaged messages, " << readable << " of them readable");
}

GREEN_TEST("in_weighted_order: by priority, then as the weights say", "[records]") {
    std::vector<srv> const records = {
        {.priority = 2, .weight = 1, .target = "late"},
        {.priority = 1, .weight = 0, .target = "never almost"},
        {.priority = 1, .weight = 30, .target = "more"},
        {.priority = 1, .weight = 10, .target = "less"},
    };
    std::map<std::string, int> first;
    for (int i = 0; i < 4000; ++i) {
        auto const order = in_weighted_order(records);
        REQUIRE(order.size() == 4);
        REQUIRE(order.back().target == "late");
        ++first[order.front().target];
    }
    REQUIRE(first["never almost"] > 20);
    REQUIRE(first["never almost"] < 300);
    REQUIRE(first["more"] > 2 * first["less"]);
    REQUIRE(first["more"] < 4 * first["less"]);
    REQUIRE(in_weighted_order({}).empty());
    co_return;
}

GREEN_TEST(
    "query: from the server, then from the cache with what is left of the TTL", "[records]"
) {
    dns_server server;
    server.records("example.test", examples(t::type_mx), {.ttl = 100});
    server.answer("example.test", {"192.0.2.1"}, {.type = t::type_a, .ttl = 50});
    resolver_config config = only(server);
    config.search = {"example.test"};
    resolver r(config);
    auto mail = co_await r.query<mx>("Example.test");
    REQUIRE(mail.size() == 2);
    REQUIRE(mail[0].exchange == "a.test");
    REQUIRE(mail[0].ttl == 100s);
    co_await sleep_for(40s);
    mail = co_await r.query<mx>("example.test");
    REQUIRE(server.queries() == 1);
    REQUIRE(mail[0].ttl <= 60s);
    REQUIRE(mail[0].ttl > 50s);
    auto const raw = co_await r.query("example.test", t::type_mx);
    REQUIRE(raw.size() == 2);
    REQUIRE(raw[0].name == "example.test");
    auto const ips = co_await r.query<a>("example.test");
    REQUIRE(ips.front().address.to_string() == "192.0.2.1");
    REQUIRE(ips.front().ttl == 50s);
    std::string said;
    try {
        co_await r.query<txt>("example.test");
    } catch (const dns_error& e) {
        said = e.what();
    }
    REQUIRE(
        said == "resolve TXT of example.test: no_data (server " + server.address().to_string() + ")"
    );
    try {
        co_await r.query<mx>("mail");
    } catch (const dns_error& e) {
        said = to_string(e.code());
    }
    REQUIRE(said == "not_found");
    REQUIRE(server.queries("mail.example.test") == 0);  // no search list
}

GREEN_TEST("query: names that no host has, and the root", "[records]") {
    dns_server server;
    server.records("my printer._ipp._tcp.test", {t::srv_record(0, 0, 631, "printer.test")});
    server.records("v1\\.2.test", {t::txt_record({"a dot in a label"})});
    server.records("", {t::ns_record("a.root.test"), t::ns_record("b.root.test")});
    resolver r(only(server));
    auto const notes = co_await r.query<txt>("V1\\.2.test");
    REQUIRE(notes.front().joined() == "a dot in a label");
    // An answer may have them in any version.
    server.records("_ipp._tcp.test", {t::ptr_record("My Printer._ipp._tcp.test")});
    auto const instances = co_await r.query<ptr>("_ipp._tcp.test");
    REQUIRE(instances.front().ptrdname == "My\\032Printer._ipp._tcp.test");
    auto const root = co_await r.query<ns>(".");
    REQUIRE(root.size() == 2);
    REQUIRE(server.last_question()->name.empty());

    std::string said;
    for (const char* name : {"My Printer._ipp._tcp.test", "my\\032printer._ipp._tcp.test"}) {
        try {
            auto const printer = co_await r.query<srv>(name);
            said += printer.front().target + ' ';
        } catch (const dns_error& e) {
            said += e.what() + std::string(" ");
        }
    }
    if (ares_sends_blanks()) {
        REQUIRE(said == "printer.test printer.test ");
        REQUIRE(server.queries("my printer._ipp._tcp.test") == 1);
    } else {
        REQUIRE(said.find("bad_name") != said.npos);
    }
    try {
        co_await r.resolve("my printer.test");
    } catch (const dns_error& e) {
        said = to_string(e.code());
    }
    REQUIRE(said == "bad_name");
}

GREEN_TEST(
    "query: cancelled while it waits; a malformed record; names that are none", "[records]"
) {
    dns_server server;
    server.silent("silent.test");
    server.records("bad.test", {{t::type_mx, t::to_bytes("x")}});
    resolver r(only(server));
    auto h = spawn(r.query<mx>("silent.test"));
    co_await sleep_for(1ms);
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    std::string said;
    for (const char* name : {"bad.test", "192.0.2.1", "localhost", "x.invalid", "a..b"}) {
        try {
            co_await r.query<mx>(name);
            said += "found ";
        } catch (const dns_error& e) {
            said += std::string(to_string(e.code())) + " ";
        }
    }
    REQUIRE(said == "bad_answer bad_name no_data not_found bad_name ");
}

GREEN_TEST("reverse, getnameinfo: the name of an address", "[records]") {
    REQUIRE(detail::reverse_name(address::parse("192.0.2.1")) == "1.2.0.192.in-addr.arpa");
    REQUIRE(
        detail::reverse_name(address::parse("2001:db8::1")) ==
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    );
    dns_server server;
    server.records("1.2.0.192.in-addr.arpa", {t::ptr_record("Host.example.test")});
    set_default_resolver(resolver(only(server)));
    address const known = address::parse("192.0.2.1:80");
    std::string name = co_await default_resolver().reverse(known);
    REQUIRE(name == "Host.example.test");
    name = co_await getnameinfo(known);
    REQUIRE(name == "Host.example.test");
    address const unknown = address::parse("[2001:db8::9]:443");
    name = co_await getnameinfo(unknown);
    REQUIRE(name == "2001:db8::9");
    name = co_await getnameinfo(address::parse("127.0.0.1"));
    REQUIRE(name == "localhost");
    try {
        name = co_await default_resolver().reverse(unknown);
    } catch (const dns_error& e) {
        name = to_string(e.code());
    }
    REQUIRE(name == "not_found");
    REQUIRE(server.queries() == 2);
}
