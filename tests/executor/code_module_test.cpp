#include <green/executor/code_module.hpp>

#include "support/catch.hpp"

#include <green/executor/executor_error.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

using namespace green;

namespace {

/// What a shell prints for a command.
std::string output_of(const std::string& command) {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> const pipe(
        ::popen((command + " 2>&1").c_str(), "r"), &::pclose
    );
    REQUIRE(pipe);
    std::string text;
    std::array<char, 512> some;
    while (std::size_t const n = std::fread(some.data(), 1, some.size(), pipe.get())) {
        text.append(some.data(), n);
    }
    return text;
}

/// Asks in one process and answers in another.
std::string call(const std::string& peer, const std::string& what) {
    return output_of("'" + peer + "' ask " + what + " | '" + peer + "' answer");
}

const std::string peers[] = {GREEN_PEER, GREEN_PEER_AT_FIXED_ADDRESS};

int function_here() { return 1; }

}  // namespace

TEST_CASE("code module: a function is found in another process", "[code_module]") {
    for (const auto& peer : peers) {
        INFO(peer);
        REQUIRE(call(peer, "function") == "101\n");
        REQUIRE(call(peer, "lambda") == "201\n");
        REQUIRE(call(peer, "functor") == "304\n");
        REQUIRE(call(peer, "foreign") == "8\n");
    }
}

TEST_CASE("code module: a library that only the caller has opened is opened", "[code_module]") {
    for (const auto& peer : peers) {
        INFO(peer);
        REQUIRE(call(peer, "function '" GREEN_PLUGIN_1 "'") == "2\n");
        REQUIRE(call(peer, "function '" GREEN_PLUGIN_2 "'") == "3\n");
        REQUIRE(call(peer, "lambda '" GREEN_PLUGIN_2 "'") == "21\n");
        REQUIRE(call(peer, "functor '" GREEN_PLUGIN_2 "'") == "8\n");
        REQUIRE(call(peer, "foreign '" GREEN_PLUGIN_2 "'") == "9\n");
    }
}

TEST_CASE("code module: a library that has been replaced is refused", "[code_module]") {
    namespace fs = std::filesystem;
    fs::path const directory = fs::temp_directory_path() /
        ("green-plugin-" + std::to_string(::getpid()));
    fs::create_directory(directory);
    std::string const plugin = directory / "plugin.so";
    std::string const request = directory / "request";
    fs::copy_file(GREEN_PLUGIN_1, plugin);
    output_of("'" GREEN_PEER "' ask function '" + plugin + "' > '" + request + "'");
    std::string const answer = "'" GREEN_PEER "' answer < '" + request + "'";
    REQUIRE(output_of(answer) == "2\n");

    fs::remove(plugin);
    REQUIRE(output_of(answer).starts_with("load " + plugin));
    fs::copy_file(GREEN_PLUGIN_2, plugin);
    REQUIRE(
        output_of(answer) ==
        "load " + plugin + ": it is another build than the one that the job is from\n"
    );
    fs::remove_all(directory);
}

TEST_CASE("code module: the build of a program is told by a text", "[code_module]") {
    std::string const first = output_of("'" GREEN_PEER "' build");
    REQUIRE(first.size() > 8);
    REQUIRE(first == output_of("'" GREEN_PEER "' build"));
    REQUIRE(first != output_of("'" GREEN_PEER_AT_FIXED_ADDRESS "' build"));
    REQUIRE(detail::build_identity() == detail::build_identity());
}

TEST_CASE("code module: addresses are held against the segments", "[code_module]") {
    const auto& program = detail::main_module();
    static const int constant = 1;
    static int variable = 1;
    int automatic = 1;
    auto const* const code = reinterpret_cast<const void*>(&function_here);

    REQUIRE(program.path().empty());
    REQUIRE(program.contains(code));
    REQUIRE(program.contains(&constant));
    REQUIRE(program.contains(&variable));
    REQUIRE_FALSE(program.contains(&automatic));

    REQUIRE(program.code_at(program.offset_of(code)) == code);
    REQUIRE(program.code_at(program.offset_of(&variable)) == nullptr);
    REQUIRE(program.code_at(~std::uint64_t{0}) == nullptr);
    REQUIRE(program.constant_at(program.offset_of(&constant), sizeof constant) == &constant);
    REQUIRE(program.constant_at(program.offset_of(&variable), sizeof variable) == nullptr);
    REQUIRE(program.constant_at(program.offset_of(&constant), std::size_t{1} << 60) == nullptr);
    REQUIRE(program.constant_at(~std::uint64_t{0}, 16) == nullptr);
}

TEST_CASE("code module: of a library too, by address and by path", "[code_module]") {
    auto const* const code = reinterpret_cast<const void*>(static_cast<int (*)(int)>(&std::abs));
    auto const library = detail::module_of(code);
    REQUIRE(library->path().starts_with("/"));
    REQUIRE(detail::module_of(code) == library);
    REQUIRE(detail::module_at(library->path(), library->identity()) == library);
    REQUIRE(library->code_at(library->offset_of(code)) == code);
    REQUIRE_THROWS_AS(detail::module_at(library->path(), library->identity() + 1), executor_error);
    REQUIRE_THROWS_AS(detail::module_at("/no/such/library.so", 0), executor_error);
}

TEST_CASE("code module: code that was made at run time belongs to none", "[code_module]") {
    void* const page = ::mmap(nullptr, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(page != MAP_FAILED);
    REQUIRE_THROWS_AS(detail::module_of(page), executor_error);
    ::munmap(page, 1);
}
