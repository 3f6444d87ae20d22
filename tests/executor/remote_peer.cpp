#include "executor/loop_back.hpp"
#include "executor/plugin.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include <dlfcn.h>

// One side of a call between two processes of this program.
//
//     remote_peer ask KIND            writes a request to call a function of its own
//     remote_peer ask KIND PLUGIN     or one of a library that it opens
//     remote_peer answer              does what a request says and prints the result
//     remote_peer build               prints what identifies the program

namespace {

using green_test::plugin_request;

int function(int n) { return 100 + n; }
constexpr auto lambda = [](int n) { return 200 + n; };
struct functor {
    std::string text;
    int operator()(int n) const { return 300 * n + static_cast<int>(text.size()); }
};

void own_request(plugin_request kind, green::byte_buffer& to) {
    using green_test::request_of;
    if (kind == plugin_request::function) to = request_of(function, 1);
    if (kind == plugin_request::lambda) to = request_of(lambda, 1);
    if (kind == plugin_request::functor) to = request_of(functor{"four"}, 1);
    if (kind == plugin_request::foreign) to = request_of(static_cast<int (*)(int)>(std::abs), -8);
}

green_test::make_request open_plugin(const char* path) {
    void* const library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void* const found = library ? ::dlsym(library, "green_test_make_request") : nullptr;
    if (found == nullptr) std::fprintf(stderr, "%s\n", ::dlerror());
    return reinterpret_cast<green_test::make_request>(found);
}

int ask(std::string_view kind, const char* plugin) {
    auto const make = plugin == nullptr ? &own_request : open_plugin(plugin);
    if (make == nullptr) return 1;
    green::byte_buffer request;
    make(
        kind == "function"      ? plugin_request::function
            : kind == "lambda"  ? plugin_request::lambda
            : kind == "functor" ? plugin_request::functor
                                : plugin_request::foreign,
        request
    );
    std::fwrite(request.data(), 1, request.size(), stdout);
    return 0;
}

int answer() {
    std::array<std::byte, 4096> request;
    std::size_t const size = std::fread(request.data(), 1, request.size(), stdin);
    auto const reply = green_test::reply_to(std::span(request).first(size));
    std::printf("%d\n", green_test::result_of<int>(reply));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::string_view const verb = argc > 1 ? argv[1] : "";
    try {
        if (verb == "ask" && argc > 2) return ask(argv[2], argc > 3 ? argv[3] : nullptr);
        if (verb == "answer") return answer();
        if (verb == "build") return std::puts(green::detail::build_identity().c_str()) < 0;
    } catch (const std::exception& e) {
        std::printf("%s\n", e.what());
    }
    return 1;
}
