#include <green/dns/detail/name.hpp>

#include "support/catch.hpp"

#include <green/dns/detail/idna.hpp>
#include <green/dns/detail/record_name.hpp>
#include <green/dns/dns_error.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using green::dns_errc;
using green::dns_error;
using green::detail::check_name;
using green::detail::check_record_name;
using green::detail::idna_available;
using green::detail::name_kind;
using green::detail::printable_name;
using green::detail::search_candidates;

TEST_CASE("a host name is normalised", "[dns][name]") {
    const auto name = check_name("WWW.Example_1-x.ORG");
    CHECK(name.kind == name_kind::host);
    CHECK(name.text == "www.example_1-x.org");
    CHECK(name.dots == 2);
    CHECK_FALSE(name.absolute);

    const auto absolute = check_name("Example.");
    CHECK(absolute.kind == name_kind::host);
    CHECK(absolute.text == "example");
    CHECK(absolute.dots == 0);
    CHECK(absolute.absolute);

    CHECK(check_name("1.2.3.example").kind == name_kind::host);
    CHECK(check_name("0x7f.1.a").kind == name_kind::host);
    CHECK(check_name("xn--bcher-kva.example").kind == name_kind::host);
    CHECK(check_name(std::string(63, 'a') + ".b").kind == name_kind::host);
}

TEST_CASE("a name of records may have any bytes", "[dns][name]") {
    auto const text_of = [](std::string_view name) {
        const auto checked = check_record_name(name);
        return checked.kind == name_kind::host ? checked.text : "! " + std::string(checked.problem);
    };
    CHECK(text_of("WWW.Example.org.") == "www.example.org");
    CHECK(text_of("_sip._TCP.example.org") == "_sip._tcp.example.org");
    CHECK(text_of("My Printer._ipp._tcp.example.org") == "my\\032printer._ipp._tcp.example.org");
    CHECK(text_of("my\\032printer.test") == "my\\032printer.test");
    CHECK(text_of("v1\\.2 (left).test.") == "v1\\.2\\032(left).test");
    CHECK(text_of("a\\\\.test") == "a\\\\.test");
    CHECK(text_of("a\\\\065") == "a\\\\065");
    CHECK(text_of("\\A\\066.test") == "ab.test");
    CHECK(text_of("b\\195\\188ro.test") == "b\\195\\188ro.test");
    CHECK(text_of("*.test") == "*.test");
    CHECK(text_of("a/b.test") == "a/b.test");

    const auto root = check_record_name(".");
    CHECK(root.kind == name_kind::host);
    CHECK(root.text.empty());
    CHECK(root.absolute);
    CHECK(check_record_name("a b.test.").absolute);
    CHECK_FALSE(check_record_name("a b\\.").absolute);
    CHECK(check_record_name("a b.c.test").dots == 2);
    CHECK(check_record_name("192.0.2.1").kind == name_kind::literal);
    CHECK(check_record_name("x.localhost").kind == name_kind::localhost);
    CHECK(check_record_name("a b.localhost").kind == name_kind::localhost);
    CHECK(check_record_name("a b.Onion.").kind == name_kind::never);

    CHECK(text_of("") == "! empty name");
    CHECK(text_of("10.1") == "! numbers, but not an IPv4 address");
    CHECK(text_of("a..b") == "! empty label");
    CHECK(text_of("a ..b") == "! empty label");
    CHECK(text_of(". ") == "! empty label");
    CHECK(text_of("a b..") == "! empty label");
    for (const char* odd : {"a\\", "a\\1", "a\\12.test", "a\\256", "a\\000"}) {
        CHECK(text_of(odd) == "! an escape that is none");
    }
    CHECK(text_of("a\\.\tb") == "! a byte that has to be escaped");
    CHECK(text_of("a\\.\xc3\xbc") == "! a byte that has to be escaped");
    std::string long_label = "a ";
    while (long_label.size() < 63) long_label += 'a';
    CHECK(check_record_name(long_label).kind == name_kind::host);
    CHECK(text_of(long_label + 'a') == "! label longer than 63 bytes");
    CHECK(text_of(long_label + "\\032") == "! label longer than 63 bytes");
    std::string long_name = "a ";
    while (long_name.size() < 252) long_name += ".a";
    CHECK(text_of(long_name) != "! longer than 253 bytes");
    CHECK(text_of(long_name + ".") != "! longer than 253 bytes");
    CHECK(text_of(long_name + "aa") == "! longer than 253 bytes");
}

// conformance 218
TEST_CASE("what is no host name says why", "[dns][name]") {
    using namespace std::string_view_literals;
    struct row {
        std::string text;
        const char* problem;
    };
    std::string name_253;
    while (name_253.size() < 250) name_253 += "abc.";
    name_253 += 'a';
    REQUIRE(name_253.size() == 253);
    const char* const number = "numbers, but not an IPv4 address";
    const char* const byte = "a byte that no host name has";
    const std::vector<row> rows{
        {"", "empty name"},
        {".", "empty label"},
        {"..", "empty label"},
        {"a..b", "empty label"},
        {".a", "empty label"},
        {"a..", "empty label"},
        {std::string(64, 'a'), "label longer than 63 bytes"},
        {"a." + std::string(64, 'a'), "label longer than 63 bytes"},
        {name_253 + "b", "longer than 253 bytes"},
        {std::string(100000, 'a'), "longer than 253 bytes"},
        {"a b", byte},
        {"a\nb", byte},
        {std::string("a\0b"sv), byte},
        {"a/b", byte},
        {"*.example", byte},
        {"1.2.3.4:80", byte},
        {"[::1]", byte},
        {"/etc/passwd", byte},
        {"@x", byte},
        {"a\\.b", byte},
        {"10.1", number},
        {"127.1", number},
        {"2130706433", number},
        {"0x7f.1", number},
        {"0X7F000001", number},
        {"0x", number},
        {"017700000001", number},
        {"1.2.3.4.", number},
        {"1.2.3.256", number},
        {"1.2.3.4.5", number},
        // Long zeros before an address are a name too long for a label, never 127.0.0.1.
        {"0x" + std::string(240, '0') + "7f000001", "label longer than 63 bytes"},
    };
    for (const auto& r : rows) {
        INFO(printable_name(r.text));
        const auto name = check_name(r.text);
        CHECK(name.kind == name_kind::bad);
        CHECK(name.problem == r.problem);
    }
    CHECK(check_name(name_253).kind == name_kind::host);
    CHECK(check_name(name_253 + ".").kind == name_kind::host);
}

TEST_CASE("an address needs no lookup", "[dns][name]") {
    for (const char* text : {"1.2.3.4", "::1", "fe80::1%lo", "::ffff:1.2.3.4"}) {
        INFO(text);
        const auto name = check_name(text);
        REQUIRE(name.kind == name_kind::literal);
        CHECK(name.literal->ip() == text);
        CHECK(name.literal->port() == 0);
    }
}

// conformance 234
TEST_CASE("some names never reach a server", "[dns][name]") {
    for (const char* text : {"localhost", "LOCALHOST.", "a.b.LocalHost", "a.localhost."}) {
        INFO(text);
        CHECK(check_name(text).kind == name_kind::localhost);
    }
    for (const char* text : {"onion", "x.onion", "X.ONION.", "a.b.onion", "invalid", "a.invalid"}) {
        INFO(text);
        CHECK(check_name(text).kind == name_kind::never);
    }
    for (const char* text : {"notlocalhost", "localhost.example", "onion.example", "xonion"}) {
        INFO(text);
        CHECK(check_name(text).kind == name_kind::host);
    }
}

// conformance 232
TEST_CASE("the search list comes before or after the name itself", "[dns][name]") {
    using list = std::vector<std::string>;
    const list search{"one.test", "two.test"};
    const auto candidates = [&](const char* name, unsigned ndots) {
        return search_candidates(check_name(name), search, ndots);
    };
    CHECK(candidates("www", 1) == list{"www.one.test", "www.two.test", "www"});
    CHECK(candidates("www.a", 1) == list{"www.a", "www.a.one.test", "www.a.two.test"});
    CHECK(candidates("www.a", 5) == list{"www.a.one.test", "www.a.two.test", "www.a"});
    CHECK(candidates("www", 0) == list{"www", "www.one.test", "www.two.test"});
    CHECK(candidates("www.", 1) == list{"www"});
    CHECK(search_candidates(check_name("www"), {}, 1) == list{"www"});

    std::string name_250;
    while (name_250.size() < 249) name_250 += "ab.";
    name_250 += 'a';
    CHECK(search_candidates(check_name(name_250), search, 1) == list{name_250});
}

TEST_CASE("a dns_error says what was asked and who answered", "[dns]") {
    const dns_error not_found(dns_errc::not_found, "no.such.example", {.server = "127.0.0.1:5353"});
    CHECK(
        std::string(not_found.what()) ==
        "resolve no.such.example: not_found (server 127.0.0.1:5353)"
    );
    CHECK(not_found.code() == dns_errc::not_found);
    CHECK(not_found.host() == "no.such.example");
    CHECK(not_found.server() == "127.0.0.1:5353");

    const dns_error timeout(
        dns_errc::timeout, "x", {.server = "127.0.0.1:53, 10.0.0.1:53", .tries = 3}
    );
    CHECK(
        std::string(timeout.what()) ==
        "resolve x: timeout after 3 tries (servers 127.0.0.1:53, 10.0.0.1:53)"
    );

    const std::string long_name(300, 'a');
    const dns_error bad(dns_errc::bad_name, long_name, {.reason = "label longer than 63 bytes"});
    CHECK(
        std::string(bad.what()) ==
        "resolve " + std::string(64, 'a') + "... (300 bytes): bad_name (label longer than 63 bytes)"
    );
    CHECK(bad.host() == long_name);
    CHECK(bad.server().empty());

    const dns_error odd(dns_errc::bad_name, "a\n\x80\\b", {.reason = "why"});
    CHECK(std::string(odd.what()) == "resolve a\\x0a\\x80\\x5cb: bad_name (why)");
    CHECK(std::string(dns_error(dns_errc::no_servers, "a").what()) == "resolve a: no_servers");

    const dns_error mx(dns_errc::no_data, "x", {.type = "MX", .server = "10.0.0.1:53", .tries = 1});
    CHECK(std::string(mx.what()) == "resolve MX of x: no_data (server 10.0.0.1:53)");
    CHECK(mx.type() == "MX");
    CHECK(mx.tries() == 1);

    using green::to_string;
    CHECK(to_string(dns_errc::not_found) == "not_found");
    CHECK(to_string(dns_errc::no_data) == "no_data");
    CHECK(to_string(dns_errc::timeout) == "timeout");
    CHECK(to_string(dns_errc::server_failure) == "server_failure");
    CHECK(to_string(dns_errc::refused) == "refused");
    CHECK(to_string(dns_errc::bad_name) == "bad_name");
    CHECK(to_string(dns_errc::bad_answer) == "bad_answer");
    CHECK(to_string(dns_errc::no_servers) == "no_servers");
}

TEST_CASE("names in other scripts become their A-labels", "[dns][name][idna]") {
    if (!idna_available()) {
        CHECK(check_name("b\u00fccher.example").problem.find("libidn2") != std::string::npos);
        CHECK(check_name("xn--bcher-kva.example").kind == name_kind::host);
        return;
    }
    const std::pair<const char*, const char*> names[] = {
        {"b\u00fccher.example", "xn--bcher-kva.example"},
        {"B\u00dcCHER.Example", "xn--bcher-kva.example"},
        {"bu\u0308cher.example", "xn--bcher-kva.example"},  // not composed
        {"stra\u00dfe.test", "xn--strae-oqa.test"},  // nontransitional
        {"\u4f8b\u3048\u3002\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"},  // an ideographic dot
        {"foo_bar.b\u00fccher.test", "foo_bar.xn--bcher-kva.test"},
    };
    for (const auto& [given, text] : names) {
        INFO(given);
        const auto name = check_name(given);
        CHECK(name.kind == name_kind::host);
        CHECK(name.text == text);
        CHECK_FALSE(name.absolute);
    }
    CHECK(check_name("b\u00fccher.example.").absolute);
    CHECK(check_name("b\u00fccher.example.").dots == 1);
    CHECK(check_name("\uff4cocalhost").kind == name_kind::localhost);
    CHECK(check_name("b\u00fccher.onion").kind == name_kind::never);

    const std::string_view byte = "a byte that no host name has";
    const std::string_view number = "numbers, but not an IPv4 address";
    const std::string_view disallowed = "not allowed in an internationalised name (IDNA 2008)";
    const std::pair<std::string, std::string_view> bad[] = {
        {"\u2603.test", disallowed},
        {"-\u00fc.test", disallowed},
        {"\u00fc.xn--zzzzzz.test", disallowed},
        {"ex\xffmple.test", "neither ASCII nor UTF-8"},
        {std::string("a\0\u00fc.test", 10), byte},
        {"a b\u00fc.test", disallowed},
        {"\uff0f.\u00fc", byte},  // becomes a slash
        {"\uff11\uff12\uff17.0.0.1", number},  // must not become 127.0.0.1
        {"127\u30020\u30020\u30021", number},
        {"a..\u00fc", "empty label"},
        {"\u3002", "empty label"},
        {std::string(2000, '\xc3'), "longer than 253 bytes"},
    };
    for (const auto& [given, problem] : bad) {
        INFO(printable_name(given));
        const auto name = check_name(given);
        CHECK(name.kind == name_kind::bad);
        CHECK(name.problem == problem);
    }
    std::string label;
    for (int i = 0; i < 60; ++i) label += "\u00fc";
    CHECK(check_name(label + ".test").problem == "label longer than 63 bytes");
}

TEST_CASE("the root in a search list is where the name as it is stands", "[dns][name]") {
    const std::vector<std::string> search{"one.test", "", "two.test"};
    using texts = std::vector<std::string>;
    CHECK(
        search_candidates(check_name("db"), search, 1) == texts{"db.one.test", "db", "db.two.test"}
    );
    CHECK(
        search_candidates(check_name("a.b"), search, 1) ==
        texts{"a.b", "a.b.one.test", "a.b.two.test"}
    );
    CHECK(search_candidates(check_name("db."), search, 1) == texts{"db"});
    CHECK(search_candidates(check_name("db"), texts{""}, 1) == texts{"db"});
}
