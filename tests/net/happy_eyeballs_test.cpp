#include <green/net/detail/happy_eyeballs.hpp>

#include "support/green_test.hpp"

#include <green/dns/dns_error.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <cerrno>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace green;
using namespace std::chrono_literals;
using detail::happy_eyeballs;
using detail::race_options;
using green_test::elapsed;

namespace {

constexpr std::chrono::nanoseconds never = forever;

/// A connection that knows whether it is still open.
struct scripted_connection final : detail::connection {
    scripted_connection(std::string n, green_test::census& c) : name(std::move(n)), open(c) {}
    std::string name;
    green_test::tracker open;
};

/// Names and peers that answer as the script says, and the story of what happened:
/// `6?@0` asked for AAAA, `a@0` began to connect, `a-@5` refused, `a+@9` connected, `a~@9` cancelled.
class script final : public detail::dialer {
public:
    /// After `delay`: these addresses, written `a6 b4 …`; none is an error.
    void names(int family, std::chrono::nanoseconds delay, std::vector<std::string> ips) {
        names_[family] = {delay, std::move(ips)};
    }
    /// After `delay`: connected, or this errno.
    void peer(const std::string& ip, std::chrono::nanoseconds delay, int error = 0) {
        peers_[ip] = {delay, error};
    }

    task<std::vector<address>> look_up(int family) override {
        std::string const name = std::to_string(family) + "?";
        log.stamp(name);
        step s(*this, std::to_string(family));
        auto const [delay, ips] = names_.at(family);
        if (delay > 0ns) co_await sleep_for(delay);
        s.done = true;
        if (ips.empty()) throw dns_error(dns_errc::no_data, "host.example");
        std::vector<address> found;
        for (const std::string& ip : ips) found.push_back(address::parse(ip, 80));
        co_return found;
    }

    task<std::unique_ptr<detail::connection>> dial(address to) override {
        std::string const name = to.ip();
        log.stamp(name);
        step s(*this, name);
        auto const [delay, error] = peers_.at(name);
        if (delay > 0ns) co_await sleep_for(delay);
        s.done = true;
        log.stamp(name + (error == 0 ? "+" : "-"));
        if (error > 0) throw std::system_error(error, std::system_category());
        if (error < 0) throw std::runtime_error("out of order");
        co_return std::make_unique<scripted_connection>(name, connections);
    }

    green_test::recorder log;
    green_test::census connections;

private:
    /// Says that it was cut short.
    struct step {
        step(script& s, std::string n) : owner(s), name(std::move(n)) {}
        ~step() {
            if (!done) owner.log.stamp(name + "~");
        }
        script& owner;
        std::string name;
        bool done = false;
    };

    std::map<int, std::pair<std::chrono::nanoseconds, std::vector<std::string>>> names_;
    std::map<std::string, std::pair<std::chrono::nanoseconds, int>> peers_;
};

/// Who won; "nobody". Nothing else is open then.
task<std::string> winner(script& s, happy_eyeballs& race) {
    auto const c = co_await race.run();
    REQUIRE(s.connections.live() == (c ? 1 : 0));
    co_return c ? static_cast<scripted_connection&>(*c).name : "nobody";
}
task<std::string> winner(script& s, race_options options = {}) {
    happy_eyeballs race(s, options);
    co_return co_await winner(s, race);
}

}  // namespace

GREEN_TEST("happy eyeballs: IPv6 is there and answers", "[connect]") {
    script s;
    s.names(6, 5ms, {"6::1"});
    s.names(4, 5ms, {"4.0.0.1"});
    s.peer("6::1", 20ms);
    std::string const who = co_await winner(s);
    REQUIRE(who == "6::1");
    REQUIRE(s.log.text() == "6?@0 4?@0 6::1@5 6::1+@25");
    REQUIRE(elapsed() == 25ms);
}

GREEN_TEST("happy eyeballs: IPv6 is silent, IPv4 begins after 250 ms", "[connect]") {
    script s;
    s.names(6, 0ms, {"6::1", "6::2"});
    s.names(4, 0ms, {"4.0.0.1", "4.0.0.2"});
    s.peer("6::1", never);
    s.peer("4.0.0.1", 10ms);
    std::string const who = co_await winner(s);
    REQUIRE(who == "4.0.0.1");
    REQUIRE(s.log.text() == "6?@0 4?@0 6::1@0 4.0.0.1@250 4.0.0.1+@260 6::1~@260");
}

GREEN_TEST("happy eyeballs: the families take turns", "[connect]") {
    script s;
    s.names(6, 0ms, {"6::1", "6::2", "6::3"});
    s.names(4, 0ms, {"4.0.0.1"});
    for (const char* ip : {"6::1", "6::2", "4.0.0.1"}) s.peer(ip, never);
    s.peer("6::3", 1ms);
    std::string const who = co_await winner(s, {.attempt_delay = 100ms});
    REQUIRE(who == "6::3");
    REQUIRE(
        s.log.text() ==
        "6?@0 4?@0 6::1@0 4.0.0.1@100 6::2@200 6::3@300 6::3+@301 6::2~@301 4.0.0.1~@301 6::1~@301"
    );
}

GREEN_TEST("happy eyeballs: a failure starts the next at once, and the delay anew", "[connect]") {
    script s;
    s.names(6, 0ms, {"6::1", "6::2"});
    s.names(4, 0ms, {"4.0.0.1", "4.0.0.2"});
    s.peer("6::1", 7ms, ECONNREFUSED);
    s.peer("4.0.0.1", never);
    s.peer("6::2", 3ms, ENETUNREACH);
    s.peer("4.0.0.2", 1ms);
    std::string const who = co_await winner(s);
    REQUIRE(who == "4.0.0.2");
    REQUIRE(
        s.log.text() ==
        "6?@0 4?@0 6::1@0 6::1-@7 4.0.0.1@7 6::2@257 6::2-@260 4.0.0.2@260 4.0.0.2+@261 "
        "4.0.0.1~@261"
    );
}

GREEN_TEST("happy eyeballs: IPv4 names wait 50 ms for those of IPv6", "[connect]") {
    script s;
    s.names(4, 10ms, {"4.0.0.1"});
    s.peer("4.0.0.1", 100ms);
    s.peer("6::1", 20ms);

    s.names(6, 40ms, {"6::1"});  // in time: IPv6 goes first, at once
    std::string who = co_await winner(s);
    REQUIRE(who == "6::1");
    REQUIRE(s.log.text() == "6?@0 4?@0 6::1@40 6::1+@60");

    s.log.clear();
    s.names(6, 30ms, {});  // known not to come
    who = co_await winner(s);
    REQUIRE(who == "4.0.0.1");
    REQUIRE(s.log.text() == "6?@60 4?@60 4.0.0.1@90 4.0.0.1+@190");

    s.log.clear();
    s.names(6, never, {"6::1"});  // too late: and its lookup is given up in the end
    who = co_await winner(s);
    REQUIRE(who == "4.0.0.1");
    REQUIRE(s.log.text() == "6?@190 4?@190 4.0.0.1@250 4.0.0.1+@350 6~@350");
}

GREEN_TEST("happy eyeballs: late names fall in with the order", "[connect]") {
    script s;
    s.names(4, 0ms, {"4.0.0.1", "4.0.0.2"});
    s.names(6, 90ms, {"6::1"});
    s.peer("4.0.0.1", never);
    s.peer("4.0.0.2", never);
    s.peer("6::1", 300ms);
    std::string const who = co_await winner(s);
    REQUIRE(who == "6::1");
    REQUIRE(
        s.log.text() ==
        "6?@0 4?@0 4.0.0.1@50 6::1@300 4.0.0.2@550 6::1+@600 4.0.0.2~@600 4.0.0.1~@600"
    );
}

GREEN_TEST("happy eyeballs: all have failed while names are on their way", "[connect]") {
    script s;
    s.names(4, 0ms, {"4.0.0.1"});
    s.names(6, 900ms, {"6::1"});
    s.peer("4.0.0.1", 100ms, ECONNREFUSED);
    s.peer("6::1", 10ms);
    std::string const who = co_await winner(s);
    REQUIRE(who == "6::1");
    REQUIRE(s.log.text() == "6?@0 4?@0 4.0.0.1@50 4.0.0.1-@150 6::1@900 6::1+@910");
}

GREEN_TEST("happy eyeballs: nobody answers", "[connect]") {
    script s;
    s.names(6, 1ms, {"6::1"});
    s.names(4, 0ms, {"4.0.0.1"});
    s.peer("6::1", 0ms, ENETUNREACH);
    s.peer("4.0.0.1", 5ms, ECONNREFUSED);
    happy_eyeballs race(s, {});
    std::string const who = co_await winner(s, race);
    REQUIRE(who == "nobody");
    REQUIRE(elapsed() == 6ms);
    connect_error const e("host.example:80", race.attempts());
    REQUIRE(
        std::string(e.what()) ==
        "connect tcp host.example:80: [6::1]:80: Network is unreachable; 4.0.0.1:80: Connection "
        "refused"
    );
    REQUIRE(e.code() == std::errc::connection_refused);
    REQUIRE(e.attempts().size() == 2);
    connect_error const one("4.0.0.1:80", {race.attempts()[1]});
    REQUIRE(std::string(one.what()) == "connect tcp 4.0.0.1:80: Connection refused");
    REQUIRE_FALSE(race.name_error(4));
}

GREEN_TEST("happy eyeballs: no names, or one family of them", "[connect]") {
    script s;
    s.names(6, 3ms, {});
    s.names(4, 1ms, {});
    happy_eyeballs none(s, {});
    std::string who = co_await winner(s, none);
    REQUIRE(who == "nobody");
    REQUIRE(none.attempts().empty());
    REQUIRE(none.name_error(4));
    REQUIRE(none.name_error(6));
    REQUIRE(elapsed() == 3ms);

    s.log.clear();
    s.names(4, 1ms, {"4.0.0.1"});
    s.peer("4.0.0.1", 0ms);
    who = co_await winner(s, {.ask = {.v4 = true, .v6 = false}});
    REQUIRE(who == "4.0.0.1");
    REQUIRE(s.log.text() == "4?@3 4.0.0.1@4 4.0.0.1+@4");
}

GREEN_TEST(
    "happy eyeballs: a family that is asked for when the other has led to nothing", "[connect]"
) {
    script s;
    race_options const options{
        .ask = {.v4 = true, .v6 = false}, .ask_later = {.v4 = false, .v6 = true}
    };
    s.names(4, 1ms, {"4.0.0.1"});
    s.names(6, 1ms, {"6::1"});
    s.peer("4.0.0.1", 5ms, ECONNREFUSED);
    s.peer("6::1", 0ms);
    std::string who = co_await winner(s, options);
    REQUIRE(who == "6::1");
    REQUIRE(s.log.text() == "4?@0 4.0.0.1@1 4.0.0.1-@6 6?@6 6::1@7 6::1+@7");

    s.log.clear();
    s.peer("4.0.0.1", 5ms);
    who = co_await winner(s, options);
    REQUIRE(s.log.text() == "4?@7 4.0.0.1@8 4.0.0.1+@13");
}

GREEN_TEST("happy eyeballs: two that answer at one instant", "[connect]") {
    script s;
    s.names(6, 0ms, {"6::1"});
    s.names(4, 0ms, {"4.0.0.1"});
    s.peer("6::1", 260ms);
    s.peer("4.0.0.1", 10ms);
    std::string const who = co_await winner(s);
    REQUIRE(who == "6::1");  // and winner() has seen that nothing else is open
    REQUIRE(s.log.text() == "6?@0 4?@0 6::1@0 4.0.0.1@250 6::1+@260 4.0.0.1+@260");
    REQUIRE(s.connections.clean());
}

GREEN_TEST(
    "happy eyeballs: a limit of the caller, a cancel, an error that is none of its own", "[connect]"
) {
    script s;
    s.names(6, 0ms, {"6::1"});
    s.names(4, never, {});
    s.peer("6::1", never);
    bool in_time = co_await move_on_after(20ms, winner(s)) != std::nullopt;
    REQUIRE_FALSE(in_time);
    REQUIRE(s.log.text() == "6?@0 4?@0 6::1@0 6::1~@20 4~@20");

    for (bool const begun : {false, true}) {
        s.log.clear();
        auto h = spawn(winner(s));
        if (begun) co_await sleep_for(1ms);
        h.cancel();
        co_await h.join();
        REQUIRE(h.cancelled());
        REQUIRE(s.log.text() == (begun ? "6?@20 4?@20 6::1@20 6::1~@21 4~@21" : ""));
    }

    s.log.clear();
    s.peer("6::1", 1ms, -1);
    std::string error;
    try {
        co_await winner(s);
    } catch (const std::runtime_error& e) {
        error = e.what();
    }
    REQUIRE(error == "out of order");
    REQUIRE(s.log.text() == "6?@21 4?@21 6::1@21 6::1-@22 4~@22");
}

TEST_CASE("happy eyeballs: the end of the run", "[connect]") {
    script s;
    s.names(6, 0ms, {"6::1"});
    s.names(4, never, {});
    s.peer("6::1", never);
    auto const body = [&]() -> task<> {
        spawn(winner(s));
        co_await sleep_for(1ms);
    };
    run(green_test::virtual_clock(), body);
    REQUIRE(s.connections.clean());
    REQUIRE(s.log.text() == "6?@0 4?@0 6::1@0 6::1~@1 4~@1");
}
