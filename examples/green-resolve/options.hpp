#pragma once

#include <green/net/address.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

struct record_kind;

enum class output_format { text, json, csv };

/// What the command line says.
struct options {
    std::vector<std::string> names;
    std::vector<std::string> files;  // "-": standard input
    std::vector<const record_kind*> kinds;  // empty: the addresses of both families
    std::vector<green::address> servers;  // empty: those of this machine
    std::size_t concurrency = 0;  // names at once; 0: as many as the servers are good for
    std::chrono::nanoseconds timeout = std::chrono::seconds(10);  // for one name
    unsigned retries = 3;
    output_format format = output_format::text;
    bool unordered = false;
    bool quiet = false;
    bool explain = false;
    std::string plot;  // a file; empty: none
    bool help = false;
    bool version = false;

    /// How many questions a name is.
    std::size_t questions() const noexcept { return kinds.empty() ? 2 : kinds.size(); }
};

/// The command line is wrong, or a file that it names cannot be used. The text is for people.
class usage_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Throws usage_error.
options parse_options(std::span<char*> arguments);

std::string help_text();

}  // namespace tool
