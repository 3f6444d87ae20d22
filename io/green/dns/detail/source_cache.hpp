#pragma once

#include <green/core/time.hpp>
#include <green/dns/detail/address_order.hpp>

#include <cstddef>
#include <unordered_map>
#include <vector>

namespace green::detail {

/// Sorts the addresses of a name as RFC 6724 says, and remembers for that which source this machine
/// uses for which network: the kernel is asked once for each /24 of IPv4 and /64 of IPv6, by connect(2)
/// on a UDP socket, which sends nothing. What is remembered is forgotten after ten seconds, so that
/// an interface that comes or goes is noticed.
///
/// A lookup whose addresses are of one kind asks for nothing. See `needs_order`.
class source_cache {
public:
    source_cache() = default;
    ~source_cache();
    source_cache(const source_cache&) = delete;
    source_cache& operator=(const source_cache&) = delete;

    void order(std::vector<address>& addresses, clock::time_point now);

    /// Forgets everything: the network has changed.
    void clear() noexcept { sources_.clear(); }

    std::size_t asked() const noexcept { return asked_; }  ///< the kernel, so often

private:
    static constexpr std::chrono::seconds keep{10};
    static constexpr std::size_t most_networks = 4096;

    const source_address& source_for(const address& to);
    source_address ask(const address& to);
    int socket_for(address_family family);

    std::unordered_map<address, source_address> sources_;  // by network
    clock::time_point forget_at_{};
    int v4_ = -1;
    int v6_ = -1;
    std::size_t asked_ = 0;
};

}  // namespace green::detail
