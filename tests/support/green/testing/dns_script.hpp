#pragma once

#include <green/testing/dns_server.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace green::testing {

/// What a `dns_server` is told to say, apart from how it gets the questions.
class dns_script {
public:
    enum class action { answer, alias, silent, fail, garbage };

    struct rule {
        action what = action::fail;
        std::vector<green::address> ips;
        std::string text;  // the target of an alias, the bytes of garbage
        int rcode = 0;
        dns_reply_options options;
    };

    struct reply {
        std::vector<std::byte> packet;
        std::chrono::nanoseconds delay{0};
    };

    void set(std::string_view name, rule r);

    /// Empty when the question stays without a reply. Counts down `lose`.
    std::optional<reply> reply_to(const dns_question& question, bool tcp);

private:
    rule* find(std::string_view name, std::uint16_t type);
    int add_answers(dns_packet& packet, const dns_question& question, bool& negative);

    std::map<std::string, std::vector<rule>, std::less<>> rules_;
};

std::string lower_case(std::string_view text);

}  // namespace green::testing
