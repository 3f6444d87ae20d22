// A name server for benchmarks: as fast as recvmmsg and sendmmsg let it be, one thread, UDP only.
//
//     dns_server [PORT [CPU]]      prints "127.0.0.1:PORT" when it can be asked; port 0: a free one
//
// It knows every name below two zones, `h000000.bench.test`, `h000001.bench.test` and so on: A is
// 10.x.y.z and AAAA fd00::x:yyzz with the number in it, the TTL is 300 s. In the zone `far.test` the
// answer leaves after 10 ms, the round trip of a server that is some hundred kilometres away; in
// `silent.test` none comes. Other types have no data, other names do not exist. The question is echoed as
// it came.

#include "measure.hpp"

#include <array>
#include <cstdlib>
#include <deque>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

namespace {

constexpr std::size_t batch_size = 64;
constexpr std::size_t largest_packet = 512;
constexpr std::size_t header_size = 12;
constexpr std::int64_t far_ns = 10'000'000;
constexpr std::int64_t spin_ns = 500'000;  // the system wakes it so late at times
constexpr int buffer_bytes = 8 << 20;

struct packet {
    sockaddr_in peer{};
    std::size_t size = 0;
    std::array<unsigned char, largest_packet> bytes;
};

struct delayed {
    std::int64_t due;
    packet reply;
};

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

/// Turns a query into its reply. False when there is none; `far` when the reply has to wait.
bool answer(packet& p, bool& far) {
    auto* const b = p.bytes.data();
    if (p.size < header_size + 5 || (b[2] & 0x80) || b[4] != 0 || b[5] != 1) return false;
    std::size_t at = header_size;
    while (at < p.size && b[at] != 0) at += b[at] + 1U;
    if (at + 5 > p.size || at > 255 + header_size) return false;
    std::string_view const name(reinterpret_cast<const char*>(b) + header_size, at - header_size);
    unsigned const type = b[at + 1] << 8U | b[at + 2];
    std::size_t const question_end = at + 5;

    auto const below = [&](const char* zone, std::size_t size) {
        return name.size() > size && strncasecmp(name.end() - size, zone, size) == 0;
    };
    far = below("\3far\4test", 9);
    bool const known = far || below("\5bench\4test", 11);
    if (below("\6silent\4test", 12)) return false;
    unsigned number = 0;
    for (char const c : name.substr(0, static_cast<unsigned char>(name[0]) + 1U)) {
        if (c >= '0' && c <= '9') number = number * 10 + static_cast<unsigned>(c - '0');
    }
    std::size_t const address_size = !known ? 0 : type == 1 ? 4 : type == 28 ? 16 : 0;

    b[2] = 0x84 | (b[2] & 0x01);  // an authoritative answer
    b[3] = known ? 0 : 3;
    b[6] = 0;
    b[7] = address_size ? 1 : 0;
    std::memset(b + 8, 0, 4);
    p.size = question_end;
    if (!address_size) return true;
    unsigned char const head[] = {0xc0, header_size, 0, static_cast<unsigned char>(type),
                                  0,    1,           0, 0,
                                  1,    44,          0, static_cast<unsigned char>(address_size)};
    std::memcpy(b + p.size, head, sizeof head);
    p.size += sizeof head;
    std::memset(b + p.size, 0, address_size);
    b[p.size] = address_size == 4 ? 10 : 0xfd;
    p.size += address_size;
    b[p.size - 3] = static_cast<unsigned char>(number >> 16);
    b[p.size - 2] = static_cast<unsigned char>(number >> 8);
    b[p.size - 1] = static_cast<unsigned char>(number);
    return true;
}

class server {
public:
    explicit server(int port) : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_port = htons(static_cast<std::uint16_t>(port));
        here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof here;
        if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr*>(&here), size) != 0) fail("bind");
        // With the right to it, more than net.core.rmem_max: who asks without a window is to lose nothing
        // here.
        if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) != 0) {
            setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
        }
        getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size);
        std::printf("127.0.0.1:%d\n", ntohs(here.sin_port));
        std::fflush(stdout);
    }

    [[noreturn]] void run() {
        for (;;) {
            wait();
            while (serve_batch()) {}
            send_due();
        }
    }

private:
    void wait() {
        pollfd p{fd_, POLLIN, 0};
        timespec limit{};
        if (!later_.empty()) {
            limit.tv_nsec = later_.front().due - bench::wall_ns() - spin_ns;
            if (limit.tv_nsec <= 0) return;
        }
        ppoll(&p, 1, later_.empty() ? nullptr : &limit, nullptr);
    }

    /// True when there may be more.
    bool serve_batch() {
        for (std::size_t i = 0; i < batch_size; ++i) link(i, i, largest_packet);
        int const got = recvmmsg(fd_, messages_.data(), batch_size, 0, nullptr);
        if (got <= 0) return false;
        std::size_t replies = 0;
        for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
            packet& p = packets_[i];
            p.size = messages_[i].msg_len;
            bool far = false;
            if (!answer(p, far)) continue;
            if (far)
                later_.push_back({bench::wall_ns() + far_ns, p});
            else
                link(replies++, i, p.size);
        }
        send(replies);
        return static_cast<std::size_t>(got) == batch_size;
    }

    void send_due() {
        while (!later_.empty() && later_.front().due <= bench::wall_ns()) {
            std::size_t n = 0;
            for (auto const now = bench::wall_ns();
                 n < batch_size && !later_.empty() && later_.front().due <= now; ++n) {
                packets_[n] = later_.front().reply;
                later_.pop_front();
                link(n, n, packets_[n].size);
            }
            send(n);
        }
    }

    /// Message `m` is of packet `i`.
    void link(std::size_t m, std::size_t i, std::size_t size) {
        parts_[m] = {packets_[i].bytes.data(), size};
        msghdr& header = messages_[m].msg_hdr;
        header.msg_name = &packets_[i].peer;
        header.msg_namelen = sizeof packets_[i].peer;
        header.msg_iov = &parts_[m];
        header.msg_iovlen = 1;
    }

    void send(std::size_t count) {
        for (std::size_t sent = 0; sent < count;) {
            int const n =
                sendmmsg(fd_, messages_.data() + sent, static_cast<unsigned>(count - sent), 0);
            sent += n > 0 ? static_cast<std::size_t>(n) : 1;  // one that cannot be sent is lost
        }
    }

    int fd_;
    std::array<packet, batch_size> packets_;
    std::array<iovec, batch_size> parts_{};
    std::array<mmsghdr, batch_size> messages_{};
    std::deque<delayed> later_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc > 2) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET(std::atoi(argv[2]), &cpus);
        sched_setaffinity(0, sizeof cpus, &cpus);
    }
    static server here(argc > 1 ? std::atoi(argv[1]) : 0);
    here.run();
}
