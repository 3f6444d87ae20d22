// Peers that go away in the middle, and bytes that come in any pieces.

#include "net/conversation.hpp"
#include "support/random.hpp"

#include <green/net/address.hpp>
#include <green/net/unix_stream.hpp>
#include <green/tasks/as_result.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

using namespace green;
using namespace green_test;

namespace {

/// Writes the first bytes of a message, and is gone.
task<> say_and_vanish(tcp_stream s, std::string said, bool reset) {
    co_await s.write_all(said);
    if (reset) s.reset();
}

/// Two lines and five bytes; what there was of them.
task<std::string> listen_to_all(tcp_stream& s, std::string& heard) {
    heard += co_await s.read_until("\n", 100);
    heard += co_await s.read_until("\n", 100);
    std::string five(5, '\0');
    co_await s.read_exactly(bytes(five));
    co_return heard + five;
}

}  // namespace

GREEN_TEST("hostile peers: one that vanishes after any byte, with and without a reset", "[peers]") {
    std::string const message = "line one\nline two\nrest5";
    auto const before = open_descriptors();
    for (std::size_t n = 0; n <= message.size(); ++n) {
        for (bool const reset : {false, true}) {
            auto [near, far] = co_await tcp_ends();
            auto vanishing = spawn(say_and_vanish(std::move(far), message.substr(0, n), reset));
            std::string heard;
            auto const all = co_await as_result(listen_to_all(near, heard));
            co_await vanishing;
            REQUIRE(message.starts_with(heard));
            if (all) {
                REQUIRE(*all == message);
            } else {
                REQUIRE_THROWS_AS(std::rethrow_exception(all.error()), disconnected_error);
                REQUIRE((reset || n < message.size()));
            }
        }
    }
    REQUIRE(open_descriptors() == before);
}

GREEN_TEST("hostile peers: a silent one costs its limit of time, and nothing else", "[peers]") {
    auto [near, far] = co_await tcp_ends();
    std::string const error =
        co_await error_of_wait<timeout_error>(with_timeout(30s, near.read_until("\n", 100)));
    REQUIRE(error == "with_timeout: not done after 30000 ms");
    co_await far.write_all("late\n");
    std::string const line = co_await near.read_until("\n", 100);
    REQUIRE(line == "late\n");
}

GREEN_TEST("hostile peers: one that writes without reading stops itself", "[peers]") {
    auto [near, far] = co_await tcp_ends(4096);
    std::string const flood = pattern(1 << 20);
    auto flooding = spawn(far.write_all(flood));
    co_await sleep_for(1s);
    REQUIRE_FALSE(flooding.done());  // the kernel's buffers are full, and nobody else's
    std::string const some = co_await read_count(near, 20'000);
    REQUIRE(flood.starts_with(some));
    near.reset();
    co_await as_result(flooding);
    REQUIRE_FALSE(flooding.successful());
}

GREEN_TEST("hostile peers: any reads of bytes in any pieces give the same bytes", "[peers]") {
    random_source random(36);
    for (int round = 0; round < 60; ++round) {
        auto [near, far] = unix_stream::pair();
        std::string said;
        for (int i = random.below(3000); i >= 0; --i) said += "aab\n"[random.below(4)];
        auto const talk = [&]() -> task<> {
            random_source cuts(static_cast<std::uint64_t>(round));
            for (std::size_t at = 0; at < said.size();) {
                auto const size = static_cast<std::size_t>(1 + cuts.below(200));
                co_await far.write_all(std::string_view(said).substr(at, size));
                at += size;
                if (cuts.one_in(3)) co_await yield();
            }
            co_await far.shutdown_write();
        };
        auto const talking = spawn(talk);
        std::string heard;
        while (heard.size() < said.size()) {
            std::string_view const rest = std::string_view(said).substr(heard.size());
            std::string const delimiter = random.one_in(2) ? "b\n" : "ab";
            auto const limit = static_cast<std::size_t>(1 + random.below(50));
            auto const size = std::min(rest.size(), limit);
            if (random.one_in(3)) {
                std::string exact(size, '\0');
                co_await near.read_exactly(bytes(exact));
                heard += exact;
            } else if (random.one_in(3)) {
                heard += co_await read_once(near);
            } else {
                auto const found = co_await as_result(near.read_until(delimiter, limit));
                auto const at = rest.substr(0, limit).find(delimiter);
                REQUIRE(found.has_value() == (at != rest.npos));
                if (found) REQUIRE(*found == rest.substr(0, at + delimiter.size()));
                if (found) heard += *found;
            }
            REQUIRE(said.starts_with(heard));
        }
        co_await talking;
    }
}

TEST_CASE("hostile peers: no text makes an address that does not read back", "[peers]") {
    random_source random(110);
    std::string_view const letters = "0123456789abcdef::::....[]%/@ x-";
    constexpr std::string_view models[] = {"192.0.2.255:65535", "[2001:db8::ff00:42]:8080",
                                           "::ffff:1.2.3.4",    "fe80::1%2",
                                           "/run/x.sock",       "@name",
                                           "1:2:3:4:5:6:7:8"};
    int read = 0;
    for (int i = 0; i < 8'000; ++i) {
        std::string text;
        if (random.one_in(2)) {
            for (int n = random.below(24); n > 0; --n)
                text += letters[static_cast<std::size_t>(random.below(static_cast<int>(letters.size(
                ))))];
        } else {
            text =
                models[static_cast<std::size_t>(random.below(static_cast<int>(std::size(models))))];
            for (int n = random.below(3); n > 0; --n) {
                auto const at = static_cast<std::size_t>(random.below(static_cast<int>(text.size()))
                );
                if (random.one_in(3))
                    text.erase(at, 1);
                else
                    text.insert(at, 1, static_cast<char>(random.below(256)));
                if (text.empty()) break;
            }
        }
        auto const a = address::try_parse(text);
        if (!a) continue;
        ++read;
        INFO(text << " is read as " << a->to_string());
        REQUIRE(address::try_parse(a->to_string()) == *a);
    }
    REQUIRE(read > 500);
}
