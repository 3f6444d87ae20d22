#include "net/own_network.hpp"

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sched.h>

namespace green_test {
namespace {

// Without ARP nobody asks for the machine at the other end of the wire, which is not there.
constexpr const char* layout = "link set lo up\n"
                               "link add hole type veth peer name nowhere\n"
                               "link set nowhere arp off up\n"
                               "link set hole arp off up\n"
                               "address add 10.9.0.1/24 dev hole\n"
                               "address add fd00:9::1/64 dev hole nodad\n"
                               "address add 10.9.1.1/32 dev lo\n";

}  // namespace

own_network::own_network() : outside_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    if (::unshare(CLONE_NEWNET) != 0) {
        problem_ = "no network namespace: " + std::system_category().message(errno);
        return;
    }
    try {
        ip(layout);
    } catch (const std::runtime_error& e) {
        problem_ = e.what();
    }
}

own_network::~own_network() { ::setns(outside_.get(), CLONE_NEWNET); }

void own_network::ip(const std::string& commands) const {
    // The child is in the namespace of the thread that starts it.
    std::FILE* const batch = ::popen("ip -batch - 2>/dev/null", "w");
    if (batch) std::fputs(commands.c_str(), batch);
    if (!batch || ::pclose(batch) != 0)
        throw std::runtime_error("iproute2 is missing, or cannot do this:\n" + commands);
}

void own_network::vanish_far() const {
    ip("address del 10.9.1.1/32 dev lo\n"
       "route add 10.9.1.1 dev hole\n");
}

}  // namespace green_test
