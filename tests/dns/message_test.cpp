#include <green/dns/detail/message.hpp>

#include "support/catch.hpp"

#include <green/testing/dns_packet.hpp>

#include <memory>
#include <random>
#include <string>
#include <vector>

using green::address;
using green::detail::message_reader;
using green::detail::parse_message;
using green::detail::record_type;
using green::detail::response_code;
using green::testing::dns_packet;
using green::testing::dns_question;
using green::testing::type_a;
using green::testing::type_aaaa;

namespace {

using texts = std::vector<std::string>;
using bytes = std::vector<std::byte>;

dns_packet reply(std::string name, std::uint16_t type = type_a) {
    dns_question question;
    question.id = 0x1234;
    question.name = std::move(name);
    question.type = type;
    return dns_packet(question);
}

texts ips(const green::detail::dns_message& message) {
    texts out;
    for (const auto& a : message.addresses) out.push_back(a.ip());
    return out;
}

bytes to_bytes(std::initializer_list<int> values) {
    bytes out;
    for (const int v : values) out.push_back(static_cast<std::byte>(v));
    return out;
}

void append(bytes& to, std::initializer_list<int> values) {
    for (const auto b : to_bytes(values)) to.push_back(b);
}

/// Parses a copy that ends where the allocation ends, so that AddressSanitizer sees the first byte
/// that is read behind it.
auto parse_exact(const bytes& packet) {
    const std::unique_ptr<std::byte[]> copy(new std::byte[packet.size()]);
    std::copy(packet.begin(), packet.end(), copy.get());
    return parse_message({copy.get(), packet.size()});
}

}  // namespace

TEST_CASE("message: addresses with the least TTL", "[dns][message]") {
    auto packet = reply("Www.Example.Test");
    packet.ip("Www.Example.Test", address::parse("10.0.0.1"), 300);
    packet.ip("wWW.example.TEST", address::parse("10.0.0.2"), 60);
    packet.ip("another.test", address::parse("10.0.0.3"), 5);
    packet.ip("www.example.test", address::parse("::1"), 1);  // not what was asked for
    packet.opt();
    const auto m = parse_exact(packet.bytes());
    REQUIRE(m);
    CHECK(m->id == 0x1234);
    CHECK(m->rcode == response_code::no_error);
    CHECK(m->type == record_type::a);
    CHECK(m->canonical.empty());
    CHECK(ips(*m) == texts{"10.0.0.1", "10.0.0.2"});
    CHECK(m->ttl == 60);
    CHECK_FALSE(m->negative_ttl);
    CHECK_FALSE(m->truncated);

    auto v6 = reply("a", type_aaaa);
    v6.ip("a", address::parse("2001:db8::1"), 7);
    const auto six = parse_exact(v6.bytes());
    REQUIRE(six);
    CHECK(ips(*six) == texts{"2001:db8::1"});
    CHECK(six->ttl == 7);
}

TEST_CASE("message: a chain of aliases, in any order", "[dns][message]") {
    auto packet = reply("a.test");
    packet.ip("c.test", address::parse("10.0.0.1"), 300);
    packet.cname("b.test", "C.test", 20);
    packet.ip("b.test", address::parse("10.0.0.9"), 1);  // not the end of the chain
    packet.cname("A.test", "b.test", 30);
    const auto m = parse_exact(packet.bytes());
    REQUIRE(m);
    CHECK(ips(*m) == texts{"10.0.0.1"});
    CHECK(m->canonical == "c.test");
    CHECK(m->ttl == 20);

    auto loop = reply("a.test");
    loop.cname("a.test", "b.test", 1).cname("b.test", "a.test", 1);
    CHECK_FALSE(parse_exact(loop.bytes()));
    CHECK_FALSE(parse_exact(reply("a.test").cname("a.test", "a.test", 1).bytes()));

    auto dangling = reply("a.test");
    dangling.cname("a.test", "b.test", 9);
    const auto none = parse_exact(dangling.bytes());
    REQUIRE(none);
    CHECK(none->addresses.empty());
    CHECK(none->canonical == "b.test");
    CHECK(none->ttl == 9);

    for (const int links : {16, 17}) {
        auto chain = reply("n0.test");
        for (int i = 0; i < links; ++i) {
            chain.cname(
                "n" + std::to_string(i) + ".test", "n" + std::to_string(i + 1) + ".test", 1
            );
        }
        chain.ip("n" + std::to_string(links) + ".test", address::parse("10.0.0.1"), 1);
        CHECK(parse_exact(chain.bytes()).has_value() == (links == 16));
    }
}

TEST_CASE("message: a negative answer and its TTL", "[dns][message]") {
    auto nx = reply("a.test");
    nx.rcode(3).soa("test", 600, 30).opt();
    const auto m = parse_exact(nx.bytes());
    REQUIRE(m);
    CHECK(m->rcode == response_code::name_error);
    CHECK(m->negative_ttl == std::optional<std::uint32_t>(30));
    CHECK(m->addresses.empty());

    auto nodata = reply("a.test");
    nodata.soa("test", 10, 30);
    const auto n = parse_exact(nodata.bytes());
    REQUIRE(n);
    CHECK(n->rcode == response_code::no_error);
    CHECK(n->negative_ttl == std::optional<std::uint32_t>(10));

    const auto bare = parse_exact(reply("a.test").rcode(3).bytes());
    REQUIRE(bare);
    CHECK_FALSE(bare->negative_ttl);

    const auto refused = parse_exact(reply("a.test").rcode(5).bytes());
    REQUIRE(refused);
    CHECK(refused->rcode == response_code::refused);

    // The sign bit of a TTL is not to be believed.
    auto huge = reply("a.test");
    huge.ip("a.test", address::parse("10.0.0.1"), 0xffffffff);
    REQUIRE(parse_exact(huge.bytes()));
    CHECK(parse_exact(huge.bytes())->ttl == 0);
    auto largest = reply("a.test");
    largest.ip("a.test", address::parse("10.0.0.1"), 0x7fffffff);
    CHECK(parse_exact(largest.bytes())->ttl == 0x7fffffff);
}

TEST_CASE("message: what is not an answer", "[dns][message]") {
    CHECK_FALSE(parse_message({}));
    const bytes good = reply("a.test").ip("a.test", address::parse("10.0.0.1"), 1).bytes();
    REQUIRE(parse_exact(good));
    for (std::size_t size = 0; size < good.size(); ++size) {
        INFO(size);
        CHECK_FALSE(parse_exact(bytes(good.begin(), good.begin() + static_cast<long>(size))));
    }
    const auto with = [&](std::size_t at, int value) {
        bytes changed = good;
        changed[at] = static_cast<std::byte>(value);
        return parse_exact(changed);
    };
    CHECK_FALSE(with(2, 0x00));  // a query
    CHECK_FALSE(with(2, 0x90));  // another opcode
    CHECK_FALSE(with(5, 0));  // no question
    CHECK_FALSE(with(5, 2));  // two of them
    CHECK_FALSE(with(6, 255));  // more records than bytes
    CHECK_FALSE(with(8, 255));  // the same in the authority section
    CHECK_FALSE(with(good.size() - 5, 5));  // RDLENGTH beyond the end
    CHECK_FALSE(with(good.size() - 5, 3));  // an address of three bytes
    const auto other_class = with(good.size() - 11, 3);
    REQUIRE(other_class);  // CHAOS records are no answer to IN
    CHECK(other_class->addresses.empty());
    const auto truncated = with(2, 0x82);
    REQUIRE(truncated);
    CHECK(truncated->truncated);
}

TEST_CASE("message: compressed names", "[dns][message]") {
    bytes packet(12);
    append(packet, {1, 'B', 4, 't', 'e', 's', 't', 0});  // 12: B.test
    append(packet, {1, 'a', 0xc0, 12});  // 20: a.B.test
    append(packet, {0xc0, 20});  // 24: the same
    append(packet, {1, 'x', 0xc0, 26});  // 26: into itself
    append(packet, {0xc0, 30});  // 30: onto itself
    append(packet, {0xc0, 40});  // 32: forward
    append(packet, {0x40, 1});  // 34: an unknown label type
    append(packet, {3, '.', '\\', 1, 0});  // 36
    append(packet, {5, 'a'});  // 41: leads out
    const auto name = [&](std::size_t at) -> std::string {
        message_reader in(packet);
        in.move_to(at);
        in.skip_name();
        return in.ok() ? in.name_at(at) : "bad";
    };
    CHECK(name(12) == "b.test");
    CHECK(name(20) == "a.b.test");
    CHECK(name(24) == "a.b.test");
    CHECK(name(26) == "bad");
    CHECK(name(30) == "bad");
    CHECK(name(32) == "bad");
    CHECK(name(34) == "bad");
    CHECK(name(36) == "\\.\\\\\\001");
    CHECK(name(41) == "bad");
    CHECK(name(packet.size()) == "bad");
    message_reader in(packet);
    in.move_to(24);
    CHECK(in.skip_name() == 24);
    CHECK(in.position() == 26);
    CHECK(in.same_name(20, 24));
    CHECK_FALSE(in.same_name(12, 24));

    // 255 bytes on the wire are the most, whatever the compression.
    for (const int last : {61, 62}) {
        bytes long_name;
        for (int label = 0; label < 3; ++label) {
            long_name.push_back(std::byte{63});
            long_name.insert(long_name.end(), 63, std::byte{'x'});
        }
        long_name.push_back(static_cast<std::byte>(last));
        long_name.insert(long_name.end(), static_cast<std::size_t>(last), std::byte{'y'});
        long_name.push_back(std::byte{0});
        message_reader reader(long_name);
        reader.skip_name();
        CHECK(reader.ok() == (last == 61));
    }

    // A long way of pointers without labels is work without a name.
    bytes ladder{std::byte{0}};
    std::size_t previous = 0;
    for (int i = 0; i < 200; ++i) {
        const auto here = ladder.size();
        append(ladder, {static_cast<int>(0xc0 | previous >> 8), static_cast<int>(previous & 255)});
        previous = here;
    }
    for (const int steps : {127, 128}) {
        message_reader reader(ladder);
        reader.move_to(static_cast<std::size_t>(1 + 2 * (steps - 1)));
        reader.skip_name();
        CHECK(reader.ok() == (steps == 127));
    }
}

TEST_CASE("message: mutated packets are read within their bounds", "[dns][message]") {
    std::vector<bytes> corpus;
    corpus.push_back(reply("www.example.test")
                         .cname("www.example.test", "a.example.test", 5)
                         .cname("a.example.test", "b.example.test", 5)
                         .ip("b.example.test", address::parse("10.0.0.1"), 60)
                         .ip("b.example.test", address::parse("10.0.0.2"), 60)
                         .opt()
                         .bytes());
    corpus.push_back(reply("six.test", type_aaaa)
                         .ip("six.test", address::parse("2001:db8::1"), 1)
                         .ip("six.test", address::parse("2001:db8::2"), 1)
                         .bytes());
    corpus.push_back(reply("no.such.test").rcode(3).soa("such.test", 60, 30).opt().bytes());
    // Compressed throughout: an alias whose target points into the question.
    bytes compressed = reply("p.q.test").bytes();
    compressed[7] = std::byte{2};
    append(compressed, {0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, 'z', 0xc0, 14});
    append(compressed, {0xc0, 38, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1});
    const auto whole = parse_exact(compressed);
    REQUIRE(whole);
    CHECK(whole->canonical == "z.q.test");
    CHECK(ips(*whole) == texts{"10.0.0.1"});
    corpus.push_back(compressed);

    std::mt19937 random(20240917);
    const auto below = [&](std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    std::size_t accepted = 0;
    constexpr int rounds = 400'000;
    for (int i = 0; i < rounds; ++i) {
        bytes packet = corpus[below(corpus.size())];
        const auto changes = below(6);
        for (std::size_t n = 0; n < changes; ++n) {
            const auto at = below(packet.size());
            switch (below(5)) {
            case 0: packet[at] ^= static_cast<std::byte>(1u << below(8)); break;
            case 1: packet[at] = static_cast<std::byte>(below(256)); break;
            case 2: packet[at] = std::byte{0xc0}; break;
            case 3: packet[at] = static_cast<std::byte>(below(2) * 0xff); break;
            case 4: packet.insert(packet.begin() + static_cast<long>(at), std::byte{0}); break;
            }
        }
        if (below(4) == 0) packet.resize(below(packet.size() + 1));
        const auto m = parse_exact(packet);
        if (!m) continue;
        ++accepted;
        if (m->addresses.size() > 3 || m->canonical.size() > 1020) FAIL("more than went in");
    }
    // Both ways were gone often enough for this to mean something.
    CHECK(accepted > rounds / 20);
    CHECK(accepted < rounds - rounds / 20);

    for (int i = 0; i < 50'000; ++i) {
        bytes noise(below(200));
        for (auto& b : noise) b = static_cast<std::byte>(below(256));
        parse_exact(noise);
    }
}
