#pragma once

#include "../../dns.hpp"
#include "../../measure.hpp"

// What the peers without a language of their own share: the figures of bench/dns.cpp. They read
// resolv.conf and know no port but 53: bench/peers/private_dns.py gives them both.

namespace bench {

/// `look_up(first, names, both)` looks up so many names, from that number on, A and with `both` AAAA too,
/// and ends the program when one fails.
template <class F>
void dns_figures(const char* name, int argc, char** argv, F look_up) {
    program const out(name, argc, argv);
    std::size_t next = 0;
    auto const figure = [&](const char* what, std::size_t names, bool both) {
        if (!out.wants(what)) return;
        double best = std::numeric_limits<double>::max();
        for (std::size_t i = 0; i < std::clamp<std::size_t>(30'000 / names, 1, 5); ++i) {
            auto const start = wall_ns();
            look_up(next, names, both);
            best = std::min(best, static_cast<double>(wall_ns() - start));
            next += names;
        }
        out.report(what, best / 1e3 / static_cast<double>(names), "us");
    };
    figure("dns_a_1k", 1'000, false);
    figure("dns_a_10k", 10'000, false);
    figure("dns_a_100k", 100'000, false);
    figure("dns_any_1k", 1'000, true);
    figure("dns_any_10k", 10'000, true);
    figure("dns_any_100k", 100'000, true);
}

/// With a dot at its end: not for the search list.
inline std::string absolute_name(std::size_t i) { return dns_name(i % 1'000'000) + "."; }

[[noreturn]] inline void no_answer(const std::string& name, const char* why) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), why);
    std::_Exit(1);
}

}  // namespace bench
