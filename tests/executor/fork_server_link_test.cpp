#include <green/executor/fork_server_link.hpp>

#include "support/catch.hpp"

#include <green/executor/code_module.hpp>
#include <green/executor/executor_error.hpp>

#include <csignal>
#include <string>
#include <string_view>

using namespace green;
using namespace green::detail;

namespace {

control_message hello_of(std::string_view build) {
    control_message hello{.kind = control_kind::hello};
    build.copy(hello.text.data(), hello.text.size() - 1);
    return hello;
}

}  // namespace

TEST_CASE("fork server: only one of the same build", "[process_executor]") {
    std::string const own = build_identity();
    REQUIRE_NOTHROW(check_build(hello_of(own)));
    std::string other = own;
    other.front() = other.front() == '0' ? '1' : '0';
    for (const std::string& build : {other, own + "0", own.substr(1), std::string()}) {
        CAPTURE(build);
        REQUIRE_THROWS_AS(check_build(hello_of(build)), broken_executor);
    }
    REQUIRE_THROWS_WITH(
        check_build(hello_of(other)), "the program's file is not the one that was started any more"
    );
    control_message unterminated = hello_of(own);
    unterminated.text.fill('x');
    REQUIRE_THROWS_AS(check_build(unterminated), broken_executor);
}

TEST_CASE("fork server: how it ended", "[process_executor]") {
    REQUIRE(describe_server_end(SIGKILL) == "the fork server was killed by signal 9");
    REQUIRE(describe_server_end(3 << 8) == "the fork server ended with exit status 3");
    REQUIRE(
        describe_missing_hook(3 << 8) ==
        "this program was started again to serve as its fork server, and ended with exit status 3 "
        "instead: call green::process_worker_main() in the first line of main"
    );
}

TEST_CASE("fork server: orders for nobody are forgotten", "[process_executor]") {
    fork_server_link link;
    link.kill_worker(1, SIGTERM);
    REQUIRE(link.has_unsent());
    REQUIRE(link.end() == 0);
    REQUIRE_FALSE(link.has_unsent());
}
