#pragma once

#include <green/core/time.hpp>

namespace green::detail {

/// The families of IP in which this machine has an address.
struct families {
    bool v4 = true;
    bool v6 = true;

    friend bool operator==(const families&, const families&) = default;
};

/// Which families are worth asking for: those in which an interface that is up has an address other
/// than a loopback one. (A link-local IPv6 address does not count either: it reaches no server on the
/// other side of a router, and every machine with IPv6 compiled in has one.) A machine with nothing
/// but loopback has both, since then the answers are for itself.
///
/// Asked of the kernel every five seconds at most. Model: AI_ADDRCONFIG of getaddrinfo(3), which
/// counts link-local addresses.
class local_families {
public:
    families now(clock::time_point time);

private:
    static constexpr std::chrono::seconds keep{5};

    families found_;
    clock::time_point look_at_ = clock::time_point::min();
};

/// The same, uncached.
families find_local_families() noexcept;

}  // namespace green::detail
