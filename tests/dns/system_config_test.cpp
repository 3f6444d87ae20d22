// The files of this machine: which are looked at, when they are read again, and what they say.

#include <green/dns/detail/system_config.hpp>

#include "dns/machine.hpp"
#include "support/green_test.hpp"

#include <green/loop/sleep.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

using namespace green;
using namespace std::chrono_literals;
using detail::hosts_file;
using detail::name_source;
using detail::parse_lookup_order;
using detail::system_config;
using test::machine;

namespace {

/// `files!` goes on to the next source neither when it has nothing nor when it failed; `dns-` only
/// if it failed, `dns+` only if it has nothing.
std::string in_words(const detail::lookup_order& order) {
    std::string out;
    for (const auto& step : order) {
        if (!out.empty()) out += ' ';
        out += step.source == name_source::files ? "files" : "dns";
        if (!step.go_on_if_not_found)
            out += step.go_on_if_failed ? "-" : "!";
        else if (!step.go_on_if_failed)
            out += "+";
    }
    return out;
}

std::string big_hosts(const std::string& last_line) {
    std::string text;
    while (text.size() <= 2 * system_config::small_hosts_file) {
        text += "0.0.0.0 advertisement-" + std::to_string(text.size()) + ".test\n";
    }
    return text + last_line;
}

std::string first(const system_config& config, std::string_view name) {
    auto const found = config.hosts()->lookup(name);
    return found.empty() ? "" : found.front().ip();
}

task<std::string> look_up(system_config& config, std::string name) {
    if (config.due(now())) co_await config.refresh();
    co_return first(config, name);
}

}  // namespace

TEST_CASE("nsswitch.conf: the hosts line", "[dns][config]") {
    const std::pair<const char*, const char*> cases[] = {
        {"", "files dns"},
        {"passwd: files\n", "files dns"},
        {"hosts: files dns\n", "files dns"},
        {"hosts:dns files", "dns files"},
        {"  hosts :\tdns  # files\n", "dns"},
        {"# hosts: dns\nhosts: files\n", "files"},
        {"hosts: dns\nhosts: files dns\n", "files dns"},
        {"hosts: files mdns4_minimal [NOTFOUND=return] dns myhostname\n", "files dns"},
        {"hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n", "files dns"},
        {"hosts: ldap nis", "files dns"},
        {"hosts: files [NOTFOUND=return] dns\n", "files- dns"},
        {"hosts: files [notfound=RETURN UNAVAIL=continue] dns\n", "files- dns"},
        {"hosts: dns [!UNAVAIL=return] files\n", "dns- files"},
        {"hosts: dns [!SUCCESS=return] files\n", "dns! files"},
        {"hosts: dns [UNAVAIL=return TRYAGAIN=return]files\n", "dns+ files"},
        {"hosts: dns [SUCCESS=merge] files\n", "dns files"},
        {"hosts: files dns files\n", "files dns"},
        {"hosts: dns [WHAT=return] files\n", "dns"},
        {"hosts: dns [NOTFOUND=return files\n", "dns-"},
        {"hosts: [NOTFOUND=return] dns\n", "files dns"},
        {"hosts: dns []files", "dns files"},
        {"hosts", "files dns"},
    };
    for (const auto& [text, order] : cases) {
        INFO(text);
        CHECK(in_words(parse_lookup_order(text)) == order);
    }
}

GREEN_TEST("system_config: reads at first, then every five seconds if asked", "[dns][config]") {
    machine const m;
    m.write("hosts", "10.0.0.1 box.test\n");
    m.write("resolv.conf", "nameserver 10.0.0.53\nsearch one.test\n");
    m.write("nsswitch.conf", "hosts: dns files\n");
    system_config config(m.paths());
    REQUIRE(first(config, "box.test").empty());
    REQUIRE(config.due(now()));
    co_await config.refresh();
    REQUIRE_FALSE(config.due(now()));
    REQUIRE(first(config, "box.test") == "10.0.0.1");
    REQUIRE(config.resolv().nameservers.front().to_string() == "10.0.0.53:53");
    REQUIRE(config.resolv().search == std::vector<std::string>{"one.test"});
    REQUIRE(in_words(config.order()) == "dns files");

    auto const version = config.version();
    auto const held = config.hosts();
    m.write("hosts", "10.0.0.2 box.test\n");
    m.write("resolv.conf", "nameserver 10.0.0.54\n");
    std::filesystem::remove(m.path("nsswitch.conf"));
    co_await sleep_for(4999ms);
    REQUIRE_FALSE(config.due(now()));
    co_await config.refresh();
    REQUIRE(first(config, "box.test") == "10.0.0.1");

    co_await sleep_for(1ms);
    REQUIRE(config.due(now()));
    co_await config.refresh();
    REQUIRE(first(config, "box.test") == "10.0.0.2");
    REQUIRE(held->lookup("box.test").front().ip() == "10.0.0.1");
    REQUIRE(config.resolv().nameservers.front().to_string() == "10.0.0.54:53");
    REQUIRE(config.version() != version);
    REQUIRE(in_words(config.order()) == "files dns");
}

GREEN_TEST("system_config: what says the same is no change", "[dns][config]") {
    machine const m;
    m.write("resolv.conf", "nameserver 10.0.0.53\n");
    system_config config(m.paths());
    co_await config.refresh();
    auto const version = config.version();
    m.write("resolv.conf", "# touched\nnameserver 10.0.0.53\n");
    co_await sleep_for(5s);
    co_await config.refresh();
    REQUIRE(config.version() == version);
    std::filesystem::remove(m.path("resolv.conf"));
    co_await sleep_for(5s);
    co_await config.refresh();
    REQUIRE(config.version() != version);
    REQUIRE(config.resolv().nameservers.front().to_string() == "127.0.0.1:53");
}

GREEN_TEST("system_config: without paths nothing is read", "[dns][config]") {
    system_config config({});
    co_await config.refresh();
    REQUIRE(config.hosts()->names() == 0);
    co_await sleep_for(5s);
    REQUIRE(config.due(now()));
    co_await config.refresh();
    REQUIRE_FALSE(config.due(now()));
}

GREEN_TEST("system_config: all wait for the first big hosts file", "[dns][config]") {
    machine const m;
    m.write("hosts", big_hosts("10.0.0.1 box.test\n"));
    system_config config(m.paths());
    std::vector<join_handle<std::string>> lookups;
    for (int i = 0; i < 3; ++i) lookups.push_back(spawn(look_up(config, "box.test")));
    auto cancelled = spawn(look_up(config, "box.test"));
    co_await yield();
    cancelled.cancel();
    co_await joinall(lookups);
    for (auto const& found : lookups) REQUIRE(found.result() == "10.0.0.1");
    co_await cancelled.join();
    REQUIRE(cancelled.cancelled());
}

GREEN_TEST_REAL_CLOCK(
    "system_config: the old hosts file serves while a new one is read", "[dns][config]"
) {
    machine const m;
    m.write("hosts", big_hosts("10.0.0.1 box.test\n"));
    system_config config(m.paths());
    co_await config.refresh();
    m.write("hosts", big_hosts("10.0.0.2 box.test\n"));
    config.look_again();
    REQUIRE(config.due(now()));
    bool others_ran = false;
    auto other = spawn(
        [](bool& ran) -> task<> {
            ran = true;
            co_return;
        },
        std::ref(others_ran)
    );
    co_await config.refresh();  // begins to read it and does not wait
    REQUIRE_FALSE(others_ran);
    REQUIRE_FALSE(first(config, "box.test").empty());
    while (!config.due(now()) && first(config, "box.test") != "10.0.0.2") co_await sleep_for(1ms);
    co_await config.refresh();
    REQUIRE(first(config, "box.test") == "10.0.0.2");
    co_await other.join();  // the reading may have ended before it ever ran
}

GREEN_TEST("system_config: destroyed while its first hosts file is read", "[dns][config]") {
    machine const m;
    m.write("hosts", big_hosts("10.0.0.1 box.test\n"));
    {
        system_config config(m.paths());
        auto waiting = spawn(look_up(config, "box.test"));
        co_await yield();
        waiting.cancel();
        co_await waiting.join();
    }
    co_await yield();
}
