#pragma once

#include <green/net/address.hpp>

#include <string>
#include <vector>

namespace green_test {

/// `192.0.2.1 2001:db8::1`; with their ports if they have some.
inline std::string text(const std::vector<green::address>& addresses) {
    std::string out;
    for (const green::address& a : addresses) out += (out.empty() ? "" : " ") + a.to_string();
    return out;
}

}  // namespace green_test
