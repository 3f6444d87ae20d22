// Who talks to the servers of the suite `net`.
//
// usage: net_load HOST PORT echo|discard|close CONNECTIONS BYTES
//
// Opens the connections, says "ready", then for each number on a line of its input does so many requests
// and prints how many nanoseconds they took:
//
//     echo      so many bytes there and back, on each connection one request at a time
//     discard   so many bytes there, on one connection, until the server's kernel has them
//     close     a connection made, and ended by the server

#include "measure.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace {

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

struct connection {
    int fd = -1;
    std::size_t sent = 0;
    std::size_t got = 0;
    unsigned watched = 0;
};

class load {
public:
    load(const char* host, int port, std::size_t size)
        : data_(size, 'x'), poller_(epoll_create1(0)) {
        there_.sin_family = AF_INET;
        there_.sin_port = htons(static_cast<std::uint16_t>(port));
        inet_pton(AF_INET, host, &there_.sin_addr);
    }

    /// Each has answered once when it returns.
    void open(std::size_t count) {
        all_.resize(count);
        for (connection& c : all_) {
            c.fd = connect();
            char byte = 'x';
            if (write(c.fd, &byte, 1) != 1 || read(c.fd, &byte, 1) != 1) fail("first byte");
            int const on = 1;
            ioctl(c.fd, FIONBIO, &on);
            watch(EPOLL_CTL_ADD, c, EPOLLIN);
        }
    }

    void open_silent() {
        all_.resize(1);
        all_[0].fd = connect();
    }

    void echo(std::size_t requests) {
        left_ = requests;
        running_ = 0;
        for (connection& c : all_) begin(c);
        std::array<epoll_event, 512> events;
        while (running_ > 0) {
            int const n = epoll_wait(poller_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < n; ++i) {
                auto& c = *static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
                unsigned const what = events[static_cast<std::size_t>(i)].events;
                if (what & EPOLLOUT) send_rest(c);
                if (what & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
            }
        }
    }

    void discard(std::size_t requests) {
        for (std::size_t i = 0; i < requests; ++i) {
            for (std::size_t sent = 0; sent < data_.size();) {
                ssize_t const n = write(all_[0].fd, data_.data() + sent, data_.size() - sent);
                if (n <= 0) fail("write");
                sent += static_cast<std::size_t>(n);
            }
        }
        for (int queued = 1; queued > 0;) ioctl(all_[0].fd, SIOCOUTQ, &queued);
    }

    void connections(std::size_t requests) {
        for (std::size_t i = 0; i < requests; ++i) {
            int const fd = connect();
            char byte = 0;
            if (read(fd, &byte, 1) != 0) fail("end");
            // A reset: no TIME_WAIT, whose number is limited.
            linger const at_once{1, 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            close(fd);
        }
    }

private:
    int connect() {
        int const fd = socket(AF_INET, SOCK_STREAM, 0);
        int const on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(fd, reinterpret_cast<sockaddr*>(&there_), sizeof there_) != 0)
            fail("connect");
        return fd;
    }

    void watch(int operation, connection& c, unsigned events) {
        if (c.watched == events) return;
        c.watched = events;
        epoll_event e{};
        e.events = events;
        e.data.ptr = &c;
        epoll_ctl(poller_, operation, c.fd, &e);
    }

    void begin(connection& c) {
        if (left_ == 0) return;
        --left_;
        ++running_;
        c.sent = c.got = 0;
        send_rest(c);
    }

    void send_rest(connection& c) {
        while (c.sent < data_.size()) {
            ssize_t const n =
                send(c.fd, data_.data() + c.sent, data_.size() - c.sent, MSG_NOSIGNAL);
            if (n < 0 && errno == EAGAIN) return watch(EPOLL_CTL_MOD, c, EPOLLIN | EPOLLOUT);
            if (n < 0) fail("send");
            c.sent += static_cast<std::size_t>(n);
        }
        watch(EPOLL_CTL_MOD, c, EPOLLIN);
    }

    void receive(connection& c) {
        ssize_t const n = recv(c.fd, buffer_.data(), buffer_.size(), 0);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) fail("receive");
        c.got += static_cast<std::size_t>(n);
        if (c.got < data_.size()) return;
        --running_;
        begin(c);
    }

    std::vector<char> data_;
    int poller_;
    sockaddr_in there_{};
    std::vector<connection> all_;
    std::array<char, 256 << 10> buffer_;
    std::size_t left_ = 0;
    std::size_t running_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) return 2;
    std::string_view const mode = argv[3];
    static load l(argv[1], std::atoi(argv[2]), std::strtoul(argv[5], nullptr, 10));
    if (mode == "echo") l.open(std::strtoul(argv[4], nullptr, 10));
    if (mode == "discard") l.open_silent();
    std::puts("ready");
    std::fflush(stdout);
    for (unsigned long requests = 0; std::scanf("%lu", &requests) == 1;) {
        auto const start = bench::wall_ns();
        if (mode == "echo") l.echo(requests);
        if (mode == "discard") l.discard(requests);
        if (mode == "close") l.connections(requests);
        std::printf("%lld\n", static_cast<long long>(bench::wall_ns() - start));
        std::fflush(stdout);
    }
}
