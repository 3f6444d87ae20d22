// The order of addresses after RFC 6724, and what this machine says for it.

#include <green/dns/detail/address_order.hpp>

#include "dns/addresses.hpp"
#include "support/green_test.hpp"

#include <green/dns/detail/local_families.hpp>
#include <green/dns/detail/source_cache.hpp>
#include <green/loop/sleep.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace green;
using green_test::text;
using namespace std::chrono_literals;
using detail::destination;
using detail::needs_order;
using detail::order_destinations;
using detail::source_cache;

namespace {

/// "destination source" pairs; a source of "-" is none.
using pairs = std::vector<std::pair<std::string, std::string>>;

std::vector<destination> destinations(const pairs& given) {
    std::vector<destination> out;
    for (const auto& [to, from] : given) {
        out.push_back({address::parse(to), {}});
        if (from != "-") out.back().from = address::parse(from);
    }
    return out;
}

std::string text(const std::vector<destination>& ordered) {
    std::string out;
    for (const auto& d : ordered) out += (out.empty() ? "" : " ") + d.to.ip();
    return out;
}

std::string ordered(const pairs& given) {
    auto list = destinations(given);
    order_destinations(list);
    return text(list);
}

std::vector<address> addresses(const std::vector<std::string>& given) {
    std::vector<address> out;
    for (const auto& a : given) out.push_back(address::parse(a));
    return out;
}

}  // namespace

TEST_CASE("RFC 6724: the examples of section 10.2", "[dns][order]") {
    struct example {
        pairs given;  // the worse one first
        const char* order;
    };
    const example examples[] = {
        // 1: matching scope
        {{{"198.51.100.121", "169.254.13.78"}, {"2001:db8:1::1", "2001:db8:1::2"}},
         "2001:db8:1::1 198.51.100.121"},
        // 2: matching scope
        {{{"2001:db8:1::1", "fe80::1"}, {"198.51.100.121", "198.51.100.117"}},
         "198.51.100.121 2001:db8:1::1"},
        // 3: higher precedence
        {{{"10.1.2.3", "10.1.2.4"}, {"2001:db8:1::1", "2001:db8:1::2"}}, "2001:db8:1::1 10.1.2.3"},
        // 4: smaller scope
        {{{"2001:db8:1::1", "2001:db8:1::2"}, {"fe80::1", "fe80::2"}}, "fe80::1 2001:db8:1::1"},
        // 7: longest matching prefix
        {{{"2001:db8:3ffe::1", "2001:db8:3f44::2"}, {"2001:db8:1::1", "2001:db8:1::2"}},
         "2001:db8:1::1 2001:db8:3ffe::1"},
        // 8: matching label
        {{{"2001:db8:1::1", "2002:c633:6401::2"}, {"2002:c633:6401::1", "2002:c633:6401::2"}},
         "2002:c633:6401::1 2001:db8:1::1"},
        // 9: higher precedence
        {{{"2002:c633:6401::1", "2002:c633:6401::2"}, {"2001:db8:1::1", "2001:db8:1::2"}},
         "2001:db8:1::1 2002:c633:6401::1"},
    };
    for (const auto& e : examples) {
        CHECK(ordered(e.given) == e.order);
        pairs turned = e.given;
        std::swap(turned[0], turned[1]);
        CHECK(ordered(turned) == e.order);
    }
}

TEST_CASE("RFC 6724: rule by rule", "[dns][order]") {
    // 1: unusable last, whatever else speaks for it
    CHECK(ordered({{"::1", "-"}, {"10.0.0.1", "10.0.0.2"}}) == "10.0.0.1 ::1");
    CHECK(ordered({{"2001:db8::1", "-"}, {"2001:db8::2", "-"}}) == "2001:db8::1 2001:db8::2");
    // 2: a loopback and a link-local IPv4 source are of a smaller scope
    CHECK(
        ordered({{"192.0.2.1", "127.0.0.1"}, {"192.0.2.2", "10.0.0.2"}}) == "192.0.2.2 192.0.2.1"
    );
    // 5: a global destination from a unique local source, and IPv4
    CHECK(
        ordered({{"2001:db8::1", "fd00::2"}, {"192.0.2.1", "10.0.0.2"}}) == "192.0.2.1 2001:db8::1"
    );
    // 6: the table
    CHECK(
        ordered(
            {{"3ffe::1", "3ffe::2"},
             {"fd00::1", "fd00::2"},
             {"2001::1", "2001::2"},
             {"2002::1", "2002::2"},
             {"192.0.2.1", "192.0.2.2"},
             {"2001:db8::1", "2001:db8::2"},
             {"::1", "::1"}}
        ) == "::1 2001:db8::1 192.0.2.1 2002::1 2001::1 fd00::1 3ffe::1"
    );
    // 9: for IPv6 only, and no further than 64 bits
    CHECK(ordered({{"10.9.0.1", "10.0.0.2"}, {"10.0.0.1", "10.0.0.2"}}) == "10.9.0.1 10.0.0.1");
    CHECK(
        ordered({{"2001:db8::f:1", "2001:db8::1:2"}, {"2001:db8::1:1", "2001:db8::1:2"}}) ==
        "2001:db8::f:1 2001:db8::1:1"
    );
    // 10: the order of the server
    CHECK(ordered({{"10.0.0.3", "10.0.0.9"}, {"10.0.0.1", "10.0.0.9"}}) == "10.0.0.3 10.0.0.1");
    CHECK(ordered({}).empty());
}

TEST_CASE("RFC 6724: the order does not depend on the order given", "[dns][order]") {
    pairs list = {
        {"2001:db8:1::1", "2001:db8:1::2"},
        {"198.51.100.1", "169.254.1.1"},
        {"fe80::1", "fe80::2"},
        {"2002:c633:6401::1", "2001:db8:1::2"},
        {"fd00::1", "-"},
        {"10.0.0.1", "10.0.0.2"},
    };
    const auto expected = ordered(list);
    std::mt19937 random(6724);
    for (int i = 0; i < 100; ++i) {
        std::shuffle(list.begin(), list.end(), random);
        REQUIRE(ordered(list) == expected);
    }
}

TEST_CASE("address order: when there is nothing to order", "[dns][order]") {
    CHECK_FALSE(needs_order({}));
    CHECK_FALSE(needs_order(addresses({"::1"})));
    CHECK_FALSE(needs_order(addresses({"192.0.2.1", "10.0.0.1", "198.51.100.1"})));
    CHECK_FALSE(needs_order(addresses({"2001:db8::1", "2001:db8::2"})));
    CHECK(needs_order(addresses({"192.0.2.1", "2001:db8::1"})));
    CHECK(needs_order(addresses({"192.0.2.1", "127.0.0.1"})));
    CHECK(needs_order(addresses({"2001:db8::1", "fe80::1%1"})));
    CHECK(needs_order(addresses({"2001:db8::1", "2001:db8:1::1"})));
}

GREEN_TEST("source_cache: asks the kernel once for a network", "[dns][order]") {
    source_cache sources;
    auto same = addresses({"127.0.0.9", "127.0.0.1"});
    sources.order(same, now());
    REQUIRE(text(same) == "127.0.0.9 127.0.0.1");
    REQUIRE(sources.asked() == 0);

    // 240/4 has no route; this machine's own address has the smaller scope.
    auto mixed = addresses({"240.0.0.1", "127.0.0.1", "127.0.0.7"});
    sources.order(mixed, now());
    REQUIRE(text(mixed) == "127.0.0.1 127.0.0.7 240.0.0.1");
    REQUIRE(sources.asked() == 2);
    for (int i = 0; i < 3; ++i) sources.order(mixed, now());
    REQUIRE(sources.asked() == 2);
    co_await sleep_for(10s);
    sources.order(mixed, now());
    REQUIRE(sources.asked() == 4);
    sources.clear();
    sources.order(mixed, now());
    REQUIRE(sources.asked() == 6);
    REQUIRE(text(mixed) == "127.0.0.1 127.0.0.7 240.0.0.1");
}

TEST_CASE(
    "local_families: one of them at least, asked of the kernel now and then", "[dns][order]"
) {
    auto const found = detail::find_local_families();
    CHECK((found.v4 || found.v6));
    detail::local_families cached;
    CHECK(cached.now(clock::time_point(1s)) == found);
    CHECK(cached.now(clock::time_point(2s)) == found);
}
