#pragma once

#include <green/testing/dns_reply.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace green::testing::detail {

/// What a `dns_server` is told to say, apart from how it gets the questions.
class dns_script {
public:
    /// How one question is served.
    struct plan {
        std::vector<std::vector<std::byte>> packets;  // in this order; over TCP one
        std::chrono::nanoseconds delay{0};
        dns_tcp tcp = dns_tcp::answers;
    };

    /// One reply for each try, the last one for all further ones.
    void set(std::string_view name, std::vector<dns_reply> tries);

    /// Empty when the question stays without a reply. It counts as a try.
    std::optional<plan> serve(const dns_question& question, bool tcp);

private:
    /// What was asked of a rule so far, by one name and type.
    struct progress {
        std::size_t lost = 0;
        std::size_t next = 0;  // index of the reply to the next try
        bool truncated = false;  // the last reply was, and its TCP query has not come
    };
    struct rule {
        std::uint16_t type = 0;
        std::vector<dns_reply> tries;
        std::map<std::pair<std::string, std::uint16_t>, progress> asked;
    };

    rule* find(std::string_view name, std::uint16_t type);
    /// The reply to a query that comes now; null for one that is lost.
    static const dns_reply* next_try(rule& r, const dns_question& question, bool tcp);
    std::vector<std::byte> packet(
        const dns_reply& reply, const dns_question& question, bool tcp, bool& truncated
    );
    void add_answers(dns_packet& packet, const dns_reply& first, const dns_question& question);

    std::map<std::string, std::vector<rule>, std::less<>> rules_;
};

std::string lower_case(std::string_view text);

}  // namespace green::testing::detail
