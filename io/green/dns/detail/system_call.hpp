#pragma once

#include <green/core/task.hpp>
#include <green/dns/lookup_options.hpp>
#include <green/net/address.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace green::detail {

/// What getaddrinfo(3) said.
struct system_answer {
    int status = 0;  // 0 or EAI_…
    int error = 0;  // errno, with EAI_SYSTEM
    std::vector<address> addresses;  // in its order, without repetition, port 0
};

/// Blocks. `family` is 0, 4 or 6.
system_answer call_getaddrinfo(const std::string& host, int family);

/// A stand-in for `call_getaddrinfo` in tests.
using system_call = system_answer (*)(const std::string& host, int family);

/// Calls of one loop that run at once.
inline constexpr std::size_t most_system_calls = 16;

task<std::vector<address>> look_up_by(
    system_call call, std::string host, std::uint16_t port, lookup_options options
);

}  // namespace green::detail
