#pragma once

#include <green/net/address.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What `resolver::query<Record>` gives, one struct per type of record, with the field names of its
// RFC. Names are without the final dot; "" is the root. A dot or a backslash inside a label is escaped
// with a backslash, what does not print as `\DDD`. `ttl` is what is left of it: with a cached answer
// less than the server said.

namespace green {

/// RFC 1035, 3.4.1.
struct a {
    green::address address;  ///< port 0
    std::chrono::seconds ttl{0};
};

/// RFC 3596, 2.2.
struct aaaa {
    green::address address;  ///< port 0
    std::chrono::seconds ttl{0};
};

/// RFC 1035, 3.3.1. The RFC's CNAME field is `target`, for a C++ class has no member of its own name.
struct cname {
    std::string target;
    std::chrono::seconds ttl{0};
};

/// RFC 1035, 3.3.11.
struct ns {
    std::string nsdname;
    std::chrono::seconds ttl{0};
};

/// RFC 1035, 3.3.12.
struct ptr {
    std::string ptrdname;
    std::chrono::seconds ttl{0};
};

/// RFC 1035, 3.3.13.
struct soa {
    std::string mname;
    std::string rname;  ///< the mailbox, with a dot for the @
    std::uint32_t serial = 0;
    std::chrono::seconds refresh{0};
    std::chrono::seconds retry{0};
    std::chrono::seconds expire{0};
    std::chrono::seconds minimum{0};
    std::chrono::seconds ttl{0};
};

/// RFC 1035, 3.3.9. Come sorted by preference. `exchange` "" alone: takes no mail (RFC 7505).
struct mx {
    std::uint16_t preference = 0;
    std::string exchange;
    std::chrono::seconds ttl{0};
};

/// RFC 1035, 3.3.14. Any bytes.
struct txt {
    std::vector<std::string> strings;
    std::chrono::seconds ttl{0};

    /// The strings in one piece, as SPF (RFC 7208, 3.3) and DKIM read them.
    std::string joined() const;
};

/// RFC 2782. Come sorted by priority, those of one priority in the server's order; who connects uses
/// `in_weighted_order`. `target` "" alone: there is no such service.
struct srv {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    std::uint16_t port = 0;
    std::string target;
    std::chrono::seconds ttl{0};
};

/// The order in which a client tries servers: by priority and, in one priority, at random in
/// proportion to the weights (RFC 2782). In a green task; the random numbers are the run's, so that
/// they repeat with `run_options::seed`.
std::vector<srv> in_weighted_order(std::vector<srv> records);

/// RFC 8659, 4.1.
struct caa {
    std::uint8_t flags = 0;
    std::string tag;
    std::string value;
    std::chrono::seconds ttl{0};

    /// Who does not know the tag is not to issue.
    bool critical() const noexcept { return (flags & 0x80) != 0; }
};

/// RFC 3403, 4.1. Come sorted by order, then preference.
struct naptr {
    std::uint16_t order = 0;
    std::uint16_t preference = 0;
    std::string flags;
    std::string services;
    std::string regexp;
    std::string replacement;
    std::chrono::seconds ttl{0};
};

/// A parameter of a service binding, by its number (RFC 9460, 14.3.2), with its bytes.
struct svc_param {
    std::uint16_t key = 0;
    std::vector<std::byte> value;
};

/// RFC 9460. Come sorted by priority; with priority 0 the target is an alias for the owner.
struct svcb {
    std::uint16_t priority = 0;
    std::string target;  ///< "" stands for the owner of the record, unless priority is 0
    std::vector<svc_param> params;  ///< by increasing key
    std::chrono::seconds ttl{0};

    /// Null without this key.
    const svc_param* find(std::uint16_t key) const noexcept;

    std::vector<std::string> alpn() const;  ///< protocols, without the default one
    bool no_default_alpn() const noexcept { return find(2) != nullptr; }
    std::optional<std::uint16_t> port() const;
    /// Of both hints; port 0.
    std::vector<address> hints() const;
};

/// RFC 9460, 9: for https.
struct https : svcb {};

/// RFC 6698, 2.1.
struct tlsa {
    std::uint8_t usage = 0;
    std::uint8_t selector = 0;
    std::uint8_t matching_type = 0;
    std::vector<std::byte> data;
    std::chrono::seconds ttl{0};
};

/// A record of any type, its data as they came. Names in the data of the old types (RFC 3597, 4) may
/// be compressed and cannot be read then.
struct raw_record {
    std::string name;  ///< its owner, in lower case: the end of the CNAME chain
    std::uint16_t type = 0;
    std::vector<std::byte> data;
    std::chrono::seconds ttl{0};
};

}  // namespace green
