// Who talks to the servers of the suite `net_tls`, in TLS 1.3 with AES-128-GCM.
//
// usage: net_tls_load HOST PORT receive|send|handshake
//
// Connects, says "ready", then for each number on a line of its input does so many requests and prints
// how many nanoseconds they took. The modes are the server's:
//
//     receive     64 KiB there
//     send        64 KiB from there
//     handshake   a connection made, with a whole handshake, and ended by the server

#include "measure.hpp"

#include <cstdlib>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

namespace {

char buffer[64 << 10];

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    ERR_print_errors_fp(stderr);
    std::exit(1);
}

class load {
public:
    load(const char* host, int port) : context_(SSL_CTX_new(TLS_client_method())) {
        there_.sin_family = AF_INET;
        there_.sin_port = htons(static_cast<std::uint16_t>(port));
        inet_pton(AF_INET, host, &there_.sin_addr);
        SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
        SSL_CTX_set_ciphersuites(context_, "TLS_AES_128_GCM_SHA256");
        SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    }

    void connect() {
        int const fd = socket(AF_INET, SOCK_STREAM, 0);
        int const on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(fd, reinterpret_cast<sockaddr*>(&there_), sizeof there_) != 0)
            fail("connect");
        ssl_ = SSL_new(context_);
        SSL_set_fd(ssl_, fd);
        if (SSL_connect(ssl_) != 1) fail("handshake");
    }

    void receive(std::size_t requests) {
        for (; requests > 0; --requests) {
            if (SSL_write(ssl_, buffer, sizeof buffer) != sizeof buffer) fail("write");
        }
    }

    void send(std::size_t requests) {
        for (std::size_t left = requests * sizeof buffer; left > 0;) {
            int const n = SSL_read(ssl_, buffer, static_cast<int>(std::min(left, sizeof buffer)));
            if (n <= 0) fail("read");
            left -= static_cast<std::size_t>(n);
        }
    }

    void handshakes(std::size_t requests) {
        for (; requests > 0; --requests) {
            connect();
            if (SSL_read(ssl_, buffer, 1) > 0) fail("end");
            // A reset: no TIME_WAIT, whose number is limited.
            linger const at_once{1, 0};
            int const fd = SSL_get_fd(ssl_);
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            SSL_free(ssl_);
            close(fd);
        }
    }

private:
    SSL_CTX* context_;
    SSL* ssl_ = nullptr;
    sockaddr_in there_{};
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    std::string_view const mode = argv[3];
    load l(argv[1], std::atoi(argv[2]));
    if (mode != "handshake") l.connect();
    std::puts("ready");
    std::fflush(stdout);
    for (unsigned long requests = 0; std::scanf("%lu", &requests) == 1;) {
        auto const start = bench::wall_ns();
        if (mode == "receive") l.receive(requests);
        if (mode == "send") l.send(requests);
        if (mode == "handshake") l.handshakes(requests);
        std::printf("%lld\n", static_cast<long long>(bench::wall_ns() - start));
        std::fflush(stdout);
    }
}
