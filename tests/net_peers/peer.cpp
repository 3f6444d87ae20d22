// green's end of conversations with programs of other people, which run.py starts.
//
// usage: peer COMMAND [NAME=VALUE]...
//
// Prints what happens, a line for each thing. What escapes is printed too: `error: ...`.

#include "net_peers/peer.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

namespace green_peer {

options::options(int argc, char** argv) {
    for (int i = 2; i < argc; ++i) {
        std::string_view const text = argv[i];
        auto const equals = text.find('=');
        if (equals == text.npos)
            throw std::invalid_argument("not NAME=VALUE: " + std::string(text));
        values_.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
}

const std::string& options::operator[](const std::string& name) const {
    auto const found = values_.find(name);
    if (found == values_.end()) throw std::invalid_argument("missing: " + name);
    return found->second;
}

std::string options::get(const std::string& name, std::string otherwise) const {
    return has(name) ? (*this)[name] : otherwise;
}

std::uint16_t options::port() const {
    return static_cast<std::uint16_t>(std::strtoul((*this)["port"].c_str(), nullptr, 10));
}

void say(std::string_view line) {
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
}

}  // namespace green_peer

int main(int argc, char** argv) {
    using namespace green_peer;
    std::string_view const wanted = argc > 1 ? argv[1] : "";
    for (const command* c = command::first; c; c = c->next) {
        if (c->name != wanted) continue;
        try {
            c->run(options(argc, argv));
            return 0;
        } catch (const std::exception& e) {
            say(std::string("error: ") + e.what());
            return 1;
        }
    }
    std::fprintf(stderr, "usage: peer COMMAND [NAME=VALUE]...\n");
    return 2;
}
