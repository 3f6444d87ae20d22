#include <green/dns/detail/hosts_file.hpp>

#include "support/catch.hpp"

#include <cstdio>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using green::address;
using green::detail::file_stamp;
using green::detail::hosts_file;

namespace {

using texts = std::vector<std::string>;

texts look_up(const hosts_file& file, std::string_view name, int family = 0) {
    texts out;
    for (const auto& a : file.lookup(name, family)) out.push_back(a.ip());
    return out;
}

/// A file of this process that is gone with it.
struct temporary_file {
    std::string path = "/tmp/green-hosts-test-" + std::to_string(getpid());

    void write(const std::string& text) const {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    }
    ~temporary_file() { unlink(path.c_str()); }
};

}  // namespace

// conformance 233
TEST_CASE(
    "hosts: names are found without case, addresses in the order of the file", "[dns][hosts]"
) {
    const hosts_file file("127.0.0.1 localhost\n"
                          "::1 localhost ip6-localhost\n"
                          "10.0.0.1\tWWW.Example.Test www # a comment\n"
                          "10.0.0.3 other\r\n"
                          "10.0.0.2 www.example.test\n"
                          "2001:db8::1 www.EXAMPLE.test.\n"
                          "10.0.0.1 www.example.test");
    CHECK(look_up(file, "www.example.test") == texts{"10.0.0.1", "10.0.0.2", "2001:db8::1"});
    CHECK(look_up(file, "wWw.ExAmPle.TEST.") == texts{"10.0.0.1", "10.0.0.2", "2001:db8::1"});
    CHECK(look_up(file, "www.example.test", 4) == texts{"10.0.0.1", "10.0.0.2"});
    CHECK(look_up(file, "www.example.test", 6) == texts{"2001:db8::1"});
    CHECK(look_up(file, "www") == texts{"10.0.0.1"});
    CHECK(look_up(file, "other") == texts{"10.0.0.3"});
    CHECK(look_up(file, "localhost") == texts{"127.0.0.1", "::1"});
    CHECK(look_up(file, "nobody").empty());

    // In one family only: the file answers, with nothing, and DNS is not to be asked.
    CHECK(look_up(file, "www", 6).empty());
    CHECK(file.contains("WWW"));
    CHECK_FALSE(file.contains("ww"));
    CHECK_FALSE(file.contains(""));
}

TEST_CASE("hosts: an address leads to its first name", "[dns][hosts]") {
    const hosts_file file("10.0.0.1 First second\n10.0.0.1 third\n::1 six\n");
    CHECK(file.reverse(address::parse("10.0.0.1")) == std::optional<std::string_view>("first"));
    CHECK(file.reverse(address::parse("10.0.0.1:80")) == std::optional<std::string_view>("first"));
    CHECK(file.reverse(address::parse("::1")) == std::optional<std::string_view>("six"));
    CHECK_FALSE(file.reverse(address::parse("10.0.0.2")));
}

TEST_CASE("hosts: lines that make no sense are skipped", "[dns][hosts]") {
    using namespace std::string_literals;
    std::string text;
    text += "\0\0\0 a\n"s;
    text += "\0"s
            "127.0.0.1 b\n";
    text += "10.0.0.1 c\0d e\n"s;
    text += "10.1 f\n0x7f.1 f\nhost 1.2.3.4\n/run/x g\n@x g\n10.0.0.1:80 g\n[::1] g\n";
    text += "10.0.0.1\n   \n#\n\t# x\n";
    text += "10.0.0.2 " + std::string(254, 'x') + " h\n";
    text += "10.0.0.3 " + std::string(1 << 20, 'y') + "\n";
    text += "10.0.0.4 m\xc3\xbc i\n";
    text += "   10.0.0.5   j   \n";
    text += "10.0.0.6 k#l\n";
    text += "10.0.0.7";
    const hosts_file file(text);
    for (const char* name : {"a", "b", "c", "d", "f", "g", "1.2.3.4", "l", "host"}) {
        INFO(name);
        CHECK_FALSE(file.contains(name));
    }
    CHECK(look_up(file, "e") == texts{"10.0.0.1"});
    CHECK(look_up(file, "h") == texts{"10.0.0.2"});
    CHECK(look_up(file, "i") == texts{"10.0.0.4"});
    CHECK(look_up(file, "j") == texts{"10.0.0.5"});
    CHECK(look_up(file, "k") == texts{"10.0.0.6"});
    CHECK(file.names() == 5);
    CHECK(hosts_file("").names() == 0);
    CHECK(hosts_file().lookup("x").empty());
}

TEST_CASE("hosts: random bytes do no harm", "[dns][hosts]") {
    std::mt19937 random(7);
    const std::string alphabet("10.:af#% \t\n\r\0lhost-\xff", 21);
    std::uniform_int_distribution<std::size_t> pick(0, alphabet.size() - 1);
    for (int i = 0; i < 2000; ++i) {
        std::string text(std::uniform_int_distribution<std::size_t>(0, 400)(random), ' ');
        for (char& c : text) c = alphabet[pick(random)];
        const hosts_file file(text);
        CHECK(file.lookup("lo", 0).size() < 400);
    }
}

TEST_CASE("hosts: 100 000 lines", "[dns][hosts]") {
    std::string text = "127.0.0.1 localhost\n";
    for (int i = 0; i < 100'000; ++i) {
        text += "0.0.0.0 ad" + std::to_string(i) + ".example.test\n";
    }
    for (int i = 0; i < 1000; ++i) {
        text += "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + " many\n";
    }
    const hosts_file file(text);
    CHECK(file.names() == 100'002);
    CHECK(look_up(file, "ad0.example.test") == texts{"0.0.0.0"});
    CHECK(look_up(file, "AD99999.example.test") == texts{"0.0.0.0"});
    CHECK(file.lookup("many").size() == 1000);
    CHECK_FALSE(file.contains("ad100000.example.test"));
}

TEST_CASE("hosts: the stamp tells that the file has changed", "[dns][hosts]") {
    const temporary_file file;
    const auto path = file.path.c_str();
    CHECK(file_stamp::of(path) == file_stamp{});
    CHECK(hosts_file::load(path).stamp() == file_stamp{});

    file.write("10.0.0.1 a\n");
    const auto first = hosts_file::load(path);
    CHECK(look_up(first, "a") == texts{"10.0.0.1"});
    CHECK(first.stamp() != file_stamp{});
    CHECK(first.stamp() == file_stamp::of(path));

    file.write("10.0.0.1 a b\n");
    CHECK_FALSE(first.stamp() == file_stamp::of(path));
    const auto second = hosts_file::load(path);
    CHECK(second.contains("b"));
    CHECK(second.stamp() == file_stamp::of(path));

    // What is no regular file is not read, so nothing can block on it.
    unlink(path);
    REQUIRE(mkfifo(path, 0600) == 0);
    CHECK(hosts_file::load(path).names() == 0);
    CHECK(hosts_file::load("/").names() == 0);
}
