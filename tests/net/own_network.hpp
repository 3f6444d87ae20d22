#pragma once

// A network in which packets get lost when a test wants it, for tests on one thread.

#include <green/net/owned_fd.hpp>

#include <string>

namespace green_test {

/// Until it ends this thread makes its sockets in a network namespace of its own: with loopback,
/// 10.9.0.1 and fd00:9::1, and the rest of 10.9.0.0/24 and fd00:9::/64 behind a wire that leads nowhere.
/// Needs Linux, its administrator, and iproute2.
class own_network {
public:
    own_network();
    ~own_network();
    own_network(const own_network&) = delete;
    own_network& operator=(const own_network&) = delete;

    /// Why there is none here; empty if there is.
    const std::string& problem() const { return problem_; }

    /// What ip(8) is to do there, a command a line. Throws std::runtime_error if it fails.
    void ip(const std::string& commands) const;
    /// From now on what is sent to `far` is lost without a word, also on connections that stand.
    void vanish_far() const;

    /// Another address of this machine.
    static constexpr const char* far = "10.9.1.1";

private:
    green::owned_fd outside_;
    std::string problem_;
};

}  // namespace green_test
