#include <green/net/inherited_sockets.hpp>

#include "net/streams.hpp"

#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using namespace green;
using namespace green_test;

namespace {

/// Descriptor 3 is free for the test and gets back afterwards what it was.
class spared_descriptor {
public:
    spared_descriptor() : kept_(::fcntl(3, F_DUPFD_CLOEXEC, 100)) {}
    spared_descriptor(const spared_descriptor&) = delete;
    spared_descriptor& operator=(const spared_descriptor&) = delete;
    ~spared_descriptor() {
        if (kept_)
            ::dup2(kept_.get(), 3);
        else
            ::close(3);
    }

private:
    owned_fd kept_;
};

void announce(const std::string& process, const char* count, const char* names) {
    ::setenv("LISTEN_PID", process.c_str(), 1);
    ::setenv("LISTEN_FDS", count, 1);
    ::setenv("LISTEN_FDNAMES", names, 1);
}

}  // namespace

TEST_CASE("inherited sockets: what systemd has opened is served", "[tcp]") {
    spared_descriptor const three;
    auto const open = []() -> task<owned_fd> {
        co_return tcp_listener::bind("127.0.0.1", 0).release();
    };
    owned_fd const listening = run(open);
    ::dup2(listening.get(), 3);
    announce(std::to_string(::getpid()), "1", "web:other");
    auto found = inherited_sockets();
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].name == "web");
    REQUIRE((::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0);
    REQUIRE(std::getenv("LISTEN_FDS") == nullptr);
    REQUIRE(inherited_sockets().empty());
    auto const serve = [](owned_fd fd) -> task<> {
        tcp_listener l = tcp_listener::from_descriptor(std::move(fd));
        tcp_stream const a = co_await tcp_stream::connect(l.local_address());
        tcp_stream const b = co_await l.accept();
        REQUIRE(b.remote_address() == a.local_address());
    };
    run(serve, std::move(found[0].descriptor));
}

TEST_CASE("inherited sockets: those of another process, and nonsense, are nobody's", "[tcp]") {
    announce("1", "1", "");
    REQUIRE(inherited_sockets().empty());
    announce(std::to_string(::getpid()), "many", "");
    REQUIRE(inherited_sockets().empty());
    announce(std::to_string(::getpid()) + "x", "1", "");
    REQUIRE(inherited_sockets().empty());
}
