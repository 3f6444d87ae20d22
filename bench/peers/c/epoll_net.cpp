// The server of the suite `net` on epoll alone: level-triggered, one buffer for all connections; what a
// socket does not take at once is kept for it and nothing more is read meanwhile.

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <unordered_map>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

enum class mode { echo, discard, close };

char buffer[64 << 10];
std::unordered_map<int, std::string> unsent;
int poller = -1;

void watch(int operation, int fd, unsigned events) {
    epoll_event e{};
    e.events = events;
    e.data.fd = fd;
    epoll_ctl(poller, operation, fd, &e);
}

void end(int fd) {
    unsent.erase(fd);
    close(fd);
}

/// How much has gone; -1 if the connection is over.
ssize_t send_some(int fd, std::string_view data) {
    ssize_t const n = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    return n < 0 && errno == EAGAIN ? 0 : n;
}

void on_readable(int fd, mode m) {
    ssize_t const n = recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return end(fd);
    if (m == mode::discard) return;
    std::string_view const data(buffer, static_cast<std::size_t>(n));
    ssize_t const sent = send_some(fd, data);
    if (sent < 0) return end(fd);
    if (sent == n) return;
    unsent[fd] = data.substr(static_cast<std::size_t>(sent));
    watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
}

void on_writable(int fd) {
    std::string& rest = unsent[fd];
    ssize_t const sent = send_some(fd, rest);
    if (sent < 0) return end(fd);
    rest.erase(0, static_cast<std::size_t>(sent));
    if (!rest.empty()) return;
    unsent.erase(fd);
    watch(EPOLL_CTL_MOD, fd, EPOLLIN);
}

void on_connection(int listener, mode m) {
    int const fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) return;
    if (m == mode::close)
        close(fd);
    else
        watch(EPOLL_CTL_ADD, fd, EPOLLIN);
}

}  // namespace

int main(int argc, char** argv) {
    std::string_view const word = argc > 1 ? argv[1] : "echo";
    mode const m = word == "discard" ? mode::discard : word == "close" ? mode::close : mode::echo;
    int const listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int const on = 1;
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    if (bind(listener, reinterpret_cast<sockaddr*>(&here), size) != 0) return 1;
    if (listen(listener, 4096) != 0) return 1;
    getsockname(listener, reinterpret_cast<sockaddr*>(&here), &size);
    std::printf("127.0.0.1:%d\n", ntohs(here.sin_port));
    std::fflush(stdout);
    poller = epoll_create1(0);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    std::array<epoll_event, 1024> events;
    for (;;) {
        int const n = epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < n; ++i) {
            epoll_event const& e = events[static_cast<std::size_t>(i)];
            if (e.data.fd == listener)
                on_connection(listener, m);
            else if (e.events & EPOLLOUT)
                on_writable(e.data.fd);
            else
                on_readable(e.data.fd, m);
        }
    }
}
