#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

// What the programs that look names up share. They ask the server of bench/dns_server.cpp, whose address
// is in the environment; bench/run.py starts it and keeps it on another processor than its clients:
//
//     build/bench/dns_server 5300 1 &
//     DNS_SERVER=127.0.0.1:5300 taskset -c 0 build/bench/dns a_10k

namespace bench {

inline std::string dns_server() {
    const char* const address = std::getenv("DNS_SERVER");
    if (!address) {
        std::fputs("DNS_SERVER has to be what bench/dns_server prints\n", stderr);
        std::exit(2);
    }
    return address;
}

/// Every name is another one, so that nothing can be remembered.
inline std::string dns_name(std::size_t i, const char* zone = "bench.test") {
    std::string name = "h000000.";
    for (std::size_t at = 6; i != 0; --at, i /= 10) name[at] = static_cast<char>('0' + i % 10);
    return name += zone;
}

/// How many slices: about half a million names in all, three times at least.
inline int dns_slices(int slices, std::size_t names) {
    std::size_t const enough = 600'000 / names;
    return static_cast<int>(std::max<std::size_t>(3, std::min<std::size_t>(slices, enough)));
}

}  // namespace bench
