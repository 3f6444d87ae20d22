#include <green/net/address.hpp>

#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <set>
#include <stdexcept>
#include <unordered_set>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

using green::address;
using green::address_family;

namespace {

std::string error_of(std::string_view text) {
    try {
        address::parse(text);
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("an address is read and written back", "[address]") {
    struct row {
        const char* text;
        address_family family;
        const char* ip;
        std::uint16_t port;
        const char* written;
    };
    const auto v4 = address_family::ipv4;
    const auto v6 = address_family::ipv6;
    const auto path = address_family::unix_path;
    const std::vector<row> rows{
        {"1.2.3.4", v4, "1.2.3.4", 0, "1.2.3.4"},
        {"1.2.3.4:80", v4, "1.2.3.4", 80, "1.2.3.4:80"},
        {"255.255.255.255:65535", v4, "255.255.255.255", 65535, "255.255.255.255:65535"},
        {"0.0.0.0:0", v4, "0.0.0.0", 0, "0.0.0.0"},
        {"::1", v6, "::1", 0, "::1"},
        {"::", v6, "::", 0, "::"},
        {"[::1]", v6, "::1", 0, "::1"},
        {"[::1]:80", v6, "::1", 80, "[::1]:80"},
        {"2001:DB8:0:0::1", v6, "2001:db8::1", 0, "2001:db8::1"},
        {"::ffff:1.2.3.4", v6, "::ffff:1.2.3.4", 0, "::ffff:1.2.3.4"},
        {"fe80::1%lo", v6, "fe80::1%lo", 0, "fe80::1%lo"},
        {"[fe80::1%1]:53", v6, "fe80::1%lo", 53, "[fe80::1%lo]:53"},
        {"fe80::1%4000000000", v6, "fe80::1%4000000000", 0, "fe80::1%4000000000"},
        {"/run/x.sock", path, "/run/x.sock", 0, "/run/x.sock"},
        {"@name", path, "@name", 0, "@name"},
    };
    for (const auto& r : rows) {
        INFO(r.text);
        const auto a = address::parse(r.text);
        CHECK(a.family() == r.family);
        CHECK(a.ip() == r.ip);
        CHECK(a.port() == r.port);
        CHECK(a.to_string() == r.written);
        CHECK(address::parse(a.to_string()) == a);
    }
    CHECK(address::parse("1.2.3.4", 53).port() == 53);
    CHECK(address::parse("1.2.3.4:80", 53).port() == 80);
    CHECK(address::parse("::1", 53).to_string() == "[::1]:53");
    CHECK(address().to_string() == "0.0.0.0");
}

// conformance 218 220
TEST_CASE("what is not exactly an address is refused", "[address]") {
    using namespace std::string_view_literals;
    const std::vector<std::string_view> bad{
        "",
        " ",
        "1.2.3",
        "10.1",
        "1",
        "0x7f.1",
        "0x7f000001",
        "017.0.0.1",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4\n",
        "1.2.3.4x",
        "1.2.3.4\0"sv,
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "1.2.3.4: 1",
        "1.2.3.4:65536",
        "1.2.3.4:99999999999999999999",
        ":80",
        "[1.2.3.4]:80",
        "[::1",
        "[::1]80",
        "[::1]:",
        "[::1]:65536",
        "[::1]:80x",
        "::1]",
        "[]",
        "[]:80",
        ":",
        ":::",
        "1::2::3",
        "12345::",
        "::g",
        "1.2.3.4%lo",
        "fe80::1%",
        "fe80::1%no-such-interface0",
        "localhost",
        "example.org:80",
        "@",
        "/a\0b"sv,
    };
    for (const auto text : bad) {
        INFO('"' << text << '"');
        CHECK_FALSE(address::try_parse(text).has_value());
        CHECK_THROWS_AS(address::parse(text), std::invalid_argument);
    }
    CHECK_FALSE(address::try_parse("/" + std::string(107, 'x')).has_value());
    CHECK(address::try_parse("/" + std::string(106, 'x')).has_value());

    CHECK(
        error_of("1.2.3.4:70000") ==
        "parse address \"1.2.3.4:70000\": the port is not a number from 0 to 65535"
    );
    CHECK(
        error_of("10.1") == "parse address \"10.1\": neither an IPv4 nor an IPv6 address nor a path"
    );
    CHECK(
        error_of("fe80::1%nowhere") ==
        "parse address \"fe80::1%nowhere\": no such network interface"
    );
    CHECK(error_of(std::string(5000, '\x01')).size() < 300);
}

TEST_CASE("an address knows what kind it is", "[address]") {
    const auto loopback = [](const char* text) { return address::parse(text).is_loopback(); };
    const auto link_local = [](const char* text) { return address::parse(text).is_link_local(); };
    CHECK(loopback("127.0.0.1"));
    CHECK(loopback("127.255.0.9:80"));
    CHECK(loopback("::1"));
    CHECK(loopback("::ffff:127.0.0.1"));
    CHECK(loopback("/run/x"));
    CHECK_FALSE(loopback("128.0.0.1"));
    CHECK_FALSE(loopback("::2"));
    CHECK_FALSE(loopback("::ffff:10.0.0.1"));
    CHECK(link_local("169.254.1.1"));
    CHECK(link_local("fe80::1"));
    CHECK(link_local("febf::1"));
    CHECK_FALSE(link_local("fec0::1"));
    CHECK_FALSE(link_local("169.253.1.1"));
    CHECK_FALSE(link_local("@x"));
}

TEST_CASE("addresses compare, hash and copy as values", "[address]") {
    const auto sorted = {"1.2.3.4",    "1.2.3.4:80",      "1.2.3.5", "::1", "[::1]:1",
                         "fe80::1%lo", "fe80::1%2000000", "fe80::2", "/a",  "/b"};
    std::set<address> set;
    std::unordered_set<address> hashed;
    for (const char* text : sorted) {
        set.insert(address::parse(text));
        hashed.insert(address::parse(text));
        hashed.insert(address::parse(text));
    }
    REQUIRE(set.size() == sorted.size());
    CHECK(hashed.size() == sorted.size());
    auto it = set.begin();
    for (const char* text : sorted) CHECK(*it++ == address::parse(text));

    CHECK(sizeof(address) <= 40);
    address a = address::parse("/a");
    address b = a;
    CHECK(a == b);
    b = address::parse("1.2.3.4:5");
    CHECK(a != b);
    a = b;
    CHECK(a.to_string() == "1.2.3.4:5");
    b = address::parse("@x");
    a = std::move(b);
    CHECK(a.ip() == "@x");
    const address& alias = a;
    a = alias;
    CHECK(a.ip() == "@x");
    CHECK(a.with_port(9) == a);
    CHECK(address::parse("fe80::1%lo").with_port(9).to_string() == "[fe80::1%lo]:9");
}

TEST_CASE("an address goes to a sockaddr and back", "[address]") {
    for (const char* text : {"1.2.3.4:80", "[2001:db8::1]:80", "[fe80::1%lo]:80", "/run/x", "@x"}) {
        INFO(text);
        const auto a = address::parse(text);
        sockaddr_storage copy{};
        std::memcpy(&copy, a.data(), a.size());
        CHECK(address::from_sockaddr(reinterpret_cast<sockaddr*>(&copy), a.size()) == a);
    }
    const auto v4 = address::parse("1.2.3.4:80");
    sockaddr_in in;
    REQUIRE(v4.size() == sizeof in);
    std::memcpy(&in, v4.data(), sizeof in);
    CHECK(in.sin_family == AF_INET);
    CHECK(ntohs(in.sin_port) == 80);
    CHECK(ntohl(in.sin_addr.s_addr) == 0x01020304);

    // The size of a path includes its zero byte, that of an abstract name does not.
    CHECK(address::parse("/run/x").size() == offsetof(sockaddr_un, sun_path) + 7);
    CHECK(address::parse("@x").size() == offsetof(sockaddr_un, sun_path) + 2);

    sockaddr_un unnamed{};
    unnamed.sun_family = AF_UNIX;
    const auto raw = reinterpret_cast<sockaddr*>(&unnamed);
    CHECK(address::from_sockaddr(raw, sizeof unnamed.sun_family).ip().empty());
    CHECK_THROWS_AS(address::from_sockaddr(raw, 1), std::invalid_argument);
    CHECK_THROWS_AS(address::from_sockaddr(nullptr, 0), std::invalid_argument);
    CHECK_THROWS_AS(address::from_sockaddr(v4.data(), 8), std::invalid_argument);
    unnamed.sun_family = 250;
    CHECK_THROWS_AS(address::from_sockaddr(raw, sizeof unnamed), std::invalid_argument);

    CHECK(address::from_bytes(v4.bytes(), 7).to_string() == "1.2.3.4:7");
    const std::array<std::byte, 5> five{};
    CHECK_THROWS_AS(address::from_bytes(five), std::invalid_argument);
}
