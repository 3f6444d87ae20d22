#pragma once

#include <cstdio>
#include <string>

#include <unistd.h>

namespace green_test {

/// What `f` prints to stderr.
template <class F>
std::string stderr_of(F f) {
    std::FILE* const file = std::tmpfile();
    std::fflush(stderr);
    int const saved = ::dup(2);
    ::dup2(fileno(file), 2);
    f();
    std::fflush(stderr);
    ::dup2(saved, 2);
    ::close(saved);
    std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
    std::rewind(file);
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    return text;
}

}  // namespace green_test
