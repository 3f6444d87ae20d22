#pragma once

// What the commands of the peer program share.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace green_peer {

/// `NAME=VALUE` arguments.
class options {
public:
    options(int argc, char** argv);

    bool has(const std::string& name) const { return values_.contains(name); }
    /// Throws std::invalid_argument if it is missing.
    const std::string& operator[](const std::string& name) const;
    std::string get(const std::string& name, std::string otherwise = {}) const;
    std::uint16_t port() const;

private:
    std::map<std::string, std::string> values_;
};

/// A line for run.py, which sees it at once.
void say(std::string_view line);

/// A command of the program. Define one as a global variable of the file that has it.
struct command {
    command(const char* n, void (*r)(const options&)) noexcept : name(n), run(r), next(first) {
        first = this;
    }

    const char* const name;
    void (*const run)(const options&);  // until it has nothing more to do
    const command* const next;

    static inline const command* first = nullptr;
};

}  // namespace green_peer
