#include <green/dns/detail/resolv_conf.hpp>

#include "support/catch.hpp"

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using green::detail::load_resolv_conf;
using green::detail::parse_resolv_conf;
using green::detail::resolv_conf;
using green::detail::resolv_environment;

namespace {

using texts = std::vector<std::string>;

texts servers(const resolv_conf& conf) {
    texts out;
    for (const auto& s : conf.nameservers) out.push_back(s.to_string());
    return out;
}

}  // namespace

TEST_CASE("resolv.conf: an ordinary file", "[dns][resolv_conf]") {
    const auto conf = parse_resolv_conf(
        "# made by hand\n"
        "; and by others\n"
        "domain old.test\n"
        "search One.test two.test.  three_x.test\t\n"
        "nameserver 10.0.0.1\n"
        "nameserver 2001:db8::1 # the other\n"
        "nameserver fe80::1%lo\r\n"
        "nameserver 10.0.0.4\n"
        "options ndots:2 timeout:3 attempts:4 rotate edns0 use-vc single-request debug what:7\n"
    );
    CHECK(servers(conf) == texts{"10.0.0.1:53", "[2001:db8::1]:53", "[fe80::1%lo]:53"});
    CHECK(conf.search == texts{"one.test", "two.test", "three_x.test"});
    CHECK(conf.ndots == 2);
    CHECK(conf.timeout == std::optional(3s));
    CHECK(conf.attempts == std::optional(4u));
    CHECK(conf.rotate);
    CHECK(conf.use_vc);
}

TEST_CASE("resolv.conf: defaults", "[dns][resolv_conf]") {
    for (const char* text :
         {"", "\n\n", "nameserver\n", "nameserver nobody\n", "nameserver /x\n",
          " nameserver 10.0.0.1\n", "nameserver 10.1\n", "#nameserver 1.2.3.4"}) {
        INFO(text);
        const auto conf = parse_resolv_conf(text);
        CHECK(servers(conf) == texts{"127.0.0.1:53"});
        CHECK(conf.search.empty());
        CHECK(conf.ndots == 1);
        CHECK_FALSE(conf.timeout);
        CHECK_FALSE(conf.attempts);
        CHECK_FALSE(conf.rotate);
    }
}

TEST_CASE("resolv.conf: limits of glibc", "[dns][resolv_conf]") {
    const auto conf = parse_resolv_conf("options ndots:99 timeout:99 attempts:99\n");
    CHECK(conf.ndots == 15);
    CHECK(conf.timeout == std::optional(30s));
    CHECK(conf.attempts == std::optional(5u));
    const auto least = parse_resolv_conf("options ndots:0 timeout:0 attempts:0\n");
    CHECK(least.ndots == 0);
    CHECK(least.timeout == std::optional(1s));
    CHECK(least.attempts == std::optional(1u));
    CHECK(parse_resolv_conf("options ndots:99999999999999999999\n").ndots == 15);
    const auto odd = parse_resolv_conf("options ndots:x timeout: attempts:-1 ndots: ndots\n");
    CHECK(odd.ndots == 1);
    CHECK_FALSE(odd.timeout);
    CHECK_FALSE(odd.attempts);
}

TEST_CASE("resolv.conf: the later of domain and search wins", "[dns][resolv_conf]") {
    CHECK(
        parse_resolv_conf("search a.test b.test\ndomain c.test d.test\n").search == texts{"c.test"}
    );
    CHECK(
        parse_resolv_conf("domain c.test\nsearch a.test b.test\n").search ==
        texts{"a.test", "b.test"}
    );
    CHECK(
        parse_resolv_conf("search a.test\nsearch b.test ..bad.. 1.2.3.4 c.test\n").search ==
        texts{"b.test", "c.test"}
    );
    CHECK(parse_resolv_conf("search .\n", {{}, {}, "h.example.test"}).search == texts{""});
}

TEST_CASE("resolv.conf: environment and host name", "[dns][resolv_conf]") {
    resolv_environment environment;
    environment.hostname = "box.Example.test";
    CHECK(parse_resolv_conf("", environment).search == texts{"example.test"});
    CHECK(parse_resolv_conf("search a.test\n", environment).search == texts{"a.test"});
    environment.localdomain = "x.test y.test";
    environment.res_options = "ndots:4 rotate";
    const auto conf = parse_resolv_conf("search a.test\noptions ndots:2 timeout:2\n", environment);
    CHECK(conf.search == texts{"x.test", "y.test"});
    CHECK(conf.ndots == 4);
    CHECK(conf.rotate);
    CHECK(conf.timeout == std::optional(2s));
    environment.localdomain = "";
    CHECK(parse_resolv_conf("search a.test\n", environment).search.empty());
    CHECK(parse_resolv_conf("", {{}, {}, "box"}).search.empty());

    setenv("LOCALDOMAIN", "env.test", 1);
    setenv("RES_OPTIONS", "ndots:7", 1);
    const auto loaded = load_resolv_conf("/nonexistent");
    unsetenv("LOCALDOMAIN");
    unsetenv("RES_OPTIONS");
    CHECK(loaded.search == texts{"env.test"});
    CHECK(loaded.ndots == 7);
    CHECK(servers(loaded) == texts{"127.0.0.1:53"});
    CHECK(loaded.stamp == green::detail::file_stamp{});
}

TEST_CASE("resolv.conf: random bytes do no harm", "[dns][resolv_conf]") {
    std::mt19937 random(11);
    const std::vector<std::string> words{
        "nameserver",
        "search",
        "domain",
        "options",
        "ndots:",
        "timeout:",
        "1",
        "10.0.0.1",
        "::1",
        " ",
        "\n",
        "\t",
        "#",
        ";",
        ".",
        "a.test",
        std::string(1, '\0'),
        "\xff",
        "\r",
    };
    std::uniform_int_distribution<std::size_t> pick(0, words.size() - 1);
    for (int i = 0; i < 5000; ++i) {
        std::string text;
        for (int n = 0; n < 40; ++n) text += words[pick(random)];
        const auto conf = parse_resolv_conf(text);
        CHECK(conf.nameservers.size() >= 1);
        CHECK(conf.nameservers.size() <= 3);
        CHECK(conf.ndots <= 15);
    }
}
