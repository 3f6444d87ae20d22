#pragma once

#include <green/testing/dns_packet.hpp>
#include <green/testing/dns_record.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace green::testing {

namespace detail {
class dns_script;
}  // namespace detail

/// What may be wrong with a datagram.
enum class dns_fault : std::uint8_t {
    none,
    wrong_id,  ///< the id of another query
    wrong_question,  ///< the question is for another name
    folded_case,  ///< the question comes back in lower case, whatever its case was
    no_edns,  ///< FORMERR for a query with EDNS, as servers from before 1999 say; else none
    cut_short,  ///< half of the header
    empty,  ///< no byte at all
};

/// What becomes of a reply over TCP.
enum class dns_tcp : std::uint8_t {
    answers,
    closes,  ///< the connection is closed instead
    closes_half_way,  ///< after half of the reply
    in_pieces,  ///< byte by byte, so that no read finds more than one
};

/// How a reply is given.
struct dns_reply_options {
    /// For questions of this type only, such as type_aaaa; 0: of any. Of a script the first reply's
    /// counts.
    std::uint16_t type = 0;
    /// In seconds; of a negative answer that of its SOA, and its minimum.
    std::uint32_t ttl = 60;
    /// From the query to the reply.
    std::chrono::nanoseconds delay{0};
    /// So many queries of a name and type stay without a reply first.
    unsigned lose = 0;
    /// Over UDP nothing but the TC bit; over TCP all. Too long a reply is cut so in any case.
    bool truncated = false;
    /// A negative answer has a SOA record.
    bool soa = true;
    /// Of the reply.
    dns_fault fault = dns_fault::none;
    /// Of a datagram sent just before the reply, as a forger would; over UDP only.
    dns_fault forged_first = dns_fault::none;
    /// How often a datagram is sent.
    unsigned copies = 1;
    dns_tcp tcp = dns_tcp::answers;
    /// Over TCP, beyond `delay`.
    std::chrono::nanoseconds tcp_delay{0};
};

/// What a `dns_server` says to a query. A value.
class dns_reply {
public:
    using function = std::function<dns_reply(const dns_question&)>;

    /// Addresses of both families; a question for one of them gets those of that family, any other
    /// "no data". std::invalid_argument for what is no address.
    static dns_reply answer(const std::vector<std::string>& ips, dns_reply_options options = {});
    /// Of any types: a question gets those of its type, or of all for ANY.
    static dns_reply records(std::vector<dns_record> records, dns_reply_options options = {});
    /// A CNAME, and what this server says of its target. A loop is answered as one, closed once.
    static dns_reply alias(std::string target, dns_reply_options options = {});
    static dns_reply silent(dns_reply_options options = {});
    /// `rcode` is one of rcode_server_failure, rcode_refused, … or any other number below 16.
    static dns_reply fail(int rcode, dns_reply_options options = {});
    static dns_reply not_found(dns_reply_options options = {});
    static dns_reply no_data(dns_reply_options options = {});
    /// The header and the question are right, and `bytes` stand where its one answer should.
    static dns_reply garbage(std::string_view bytes, dns_reply_options options = {});
    /// A datagram of exactly these bytes.
    static dns_reply datagram(std::vector<std::byte> bytes, dns_reply_options options = {});
    /// Whatever `f` says to this question; its `delay` and faults count as well.
    static dns_reply computed(function f, dns_reply_options options = {});

    const dns_reply_options& options() const noexcept { return options_; }

private:
    friend detail::dns_script;
    enum class kind : std::uint8_t { records, alias, silent, fail, garbage, datagram, computed };

    dns_reply(kind what, dns_reply_options options) : what_(what), options_(options) {}

    kind what_;
    dns_reply_options options_;
    std::vector<dns_record> records_;
    std::string target_;
    int rcode_ = 0;
    std::vector<std::byte> bytes_;
    function function_;
};

}  // namespace green::testing
