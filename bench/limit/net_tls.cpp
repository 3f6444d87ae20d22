// The server of the suite `net_tls` on OpenSSL alone: one connection at a time, on a blocking socket.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

char buffer[64 << 10];

[[noreturn]] void fail() {
    ERR_print_errors_fp(stderr);
    std::exit(1);
}

SSL_CTX* make_context() {
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context, "cert.pem") != 1 ||
        SSL_CTX_use_PrivateKey_file(context, "key.pem", SSL_FILETYPE_PEM) != 1)
        fail();
    // Several records with one recv.
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, sizeof buffer);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

int listen_on_loopback() {
    int const listener = socket(AF_INET, SOCK_STREAM, 0);
    int const on = 1;
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    if (bind(listener, reinterpret_cast<sockaddr*>(&here), size) != 0) fail();
    if (listen(listener, 4096) != 0) fail();
    getsockname(listener, reinterpret_cast<sockaddr*>(&here), &size);
    std::printf("127.0.0.1:%d\n", ntohs(here.sin_port));
    std::fflush(stdout);
    return listener;
}

void talk(SSL* ssl, std::string_view mode) {
    if (SSL_accept(ssl) != 1) return;
    if (mode == "receive") {
        while (SSL_read(ssl, buffer, sizeof buffer) > 0) {}
    }
    if (mode == "send") {
        while (SSL_write(ssl, buffer, sizeof buffer) > 0) {}
    }
    SSL_shutdown(ssl);
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    std::string_view const mode = argc > 1 ? argv[1] : "receive";
    SSL_CTX* const context = make_context();
    int const listener = listen_on_loopback();
    for (;;) {
        int const fd = accept(listener, nullptr, nullptr);
        SSL* const ssl = SSL_new(context);
        SSL_set_fd(ssl, fd);
        talk(ssl, mode);
        SSL_free(ssl);
        close(fd);
        ERR_clear_error();
    }
}
