#pragma once

#include <green/core/config.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace green {

/// A step of a lookup.
struct trace_step {
    enum class kind : std::uint8_t {
        name,  ///< what the text is taken for
        files,  ///< the hosts file
        candidate,  ///< a name of the search list
        cache,  ///< what the cache has about a question
        query,  ///< a question is asked, or found in flight
        attempt,  ///< a try at one server
        result,
    };

    kind what = kind::name;
    unsigned depth = 0;  ///< what it is a part of stands before it, with one less
    std::chrono::nanoseconds at{0};  ///< since the lookup began
    std::string text;  ///< what happened, in words
};

/// What became of one lookup, step by step; see `resolver::explain`.
struct lookup_trace {
    std::string host;
    std::vector<trace_step> steps;
    std::chrono::nanoseconds took{0};
    bool answered = false;

    /// As readable lines, without a final line break:
    ///
    ///     www.example.org
    ///     ├─ name: www.example.org, 2 dots
    ///     ├─ hosts file: not there
    ///     ├─ search candidate www.example.org
    ///     │  ├─ A: not in the cache
    ///     │  ├─ AAAA: in the cache, 12 s old, 48 s left: 1 address
    ///     │  └─ A: asked
    ///     │     ├─ try 1 at 10.0.0.1:53: timeout, 1.0 s
    ///     │     └─ try 2 at 10.0.0.2:53: 1 address, 3.2 ms
    ///     └─ 192.0.2.1, 2001:db8::1 after 1.003 s
    std::string to_string() const;
};

}  // namespace green
