// A socket that does not take what is to be sent. The loopback interface always does, so the system call
// is this file's.

#include "dns/wire_probe.hpp"
#include "support/catch.hpp"

#include <cerrno>
#include <deque>

#include <dlfcn.h>
#include <sys/socket.h>

using namespace green::test;
using namespace std::chrono_literals;
using green::testing::dns_server;

namespace {

int full = 0;  // so many calls of sendmmsg find the socket full
int calls = 0;

}  // namespace

// Goes before the system's.
extern "C" int sendmmsg(int fd, mmsghdr* messages, unsigned int count, int flags) {
    ++calls;
    if (full > 0) {
        --full;
        errno = EAGAIN;
        return -1;
    }
    using function = int (*)(int, mmsghdr*, unsigned int, int);
    static auto const real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "sendmmsg"));
    return real(fd, messages, count, flags);
}

TEST_CASE("wire: what a full socket has not taken leaves as soon as it does", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.answer("*", {"10.0.0.1"});
    // No tick comes by to send it.
    wire_engine engine(loop, {server.address()}, {.timeout = 300'000ms, .tick = 300'000ms});
    full = 3;
    calls = 0;
    std::deque<probe> all;
    for (int i = 0; i < 50; ++i) {
        engine.start(all.emplace_back("n" + std::to_string(i) + ".test"), 0);
    }
    loop.run();
    for (const auto& q : all) REQUIRE(q.ips() == "10.0.0.1");
    CHECK(full == 0);
    CHECK(calls < 20);  // and nobody has turned round and round
    CHECK(server.queries() == 50);
}
