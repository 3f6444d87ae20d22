#pragma once

#include <green/core/config.hpp>

#include <cstdint>
#include <string>

namespace green::detail {

/// Those that green knows; others exist and are kept as their number.
enum class record_type : std::uint16_t {
    a = 1,
    ns = 2,
    cname = 5,
    soa = 6,
    ptr = 12,
    mx = 15,
    txt = 16,
    aaaa = 28,
    srv = 33,
    naptr = 35,
    opt = 41,
    tlsa = 52,
    svcb = 64,
    https = 65,
    caa = 257,
};

/// "AAAA"; "TYPE999" for one without a name here (RFC 3597, 5).
std::string to_string(record_type type);

}  // namespace green::detail
