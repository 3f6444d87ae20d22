// The server of the suite `net` on libuv alone, as well as libuv can do it: uv_read_start once, one
// buffer for all connections, uv_try_write, and uv_write only for what that does not take.

#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <arpa/inet.h>

namespace {

constexpr std::size_t buffer_size = std::size_t{64} << 10;
char buffer[buffer_size];

/// The bytes stand behind it.
struct pending_write {
    uv_write_t request;
    char* data() { return reinterpret_cast<char*>(this + 1); }
};

void close(uv_stream_t* s) {
    uv_close(reinterpret_cast<uv_handle_t*>(s), [](uv_handle_t* h) {
        delete reinterpret_cast<uv_tcp_t*>(h);
    });
}

void lend(uv_handle_t*, std::size_t, uv_buf_t* into) { *into = uv_buf_init(buffer, buffer_size); }

void on_read_echo(uv_stream_t* s, ssize_t n, const uv_buf_t* b);

void write_rest(uv_stream_t* s, const char* data, std::size_t size) {
    auto* const w = static_cast<pending_write*>(std::malloc(sizeof(pending_write) + size));
    std::memcpy(w->data(), data, size);
    uv_buf_t rest = uv_buf_init(w->data(), static_cast<unsigned>(size));
    // Back-pressure: nothing more is read until this has gone.
    uv_read_stop(s);
    uv_write(&w->request, s, &rest, 1, [](uv_write_t* request, int status) {
        uv_stream_t* const stream = request->handle;
        std::free(request);
        if (status == 0)
            uv_read_start(stream, lend, on_read_echo);
        else
            close(stream);
    });
}

void on_read_echo(uv_stream_t* s, ssize_t n, const uv_buf_t* b) {
    if (n == 0) return;
    if (n < 0) return close(s);
    uv_buf_t const all = uv_buf_init(b->base, static_cast<unsigned>(n));
    int sent = uv_try_write(s, &all, 1);
    if (sent == UV_EAGAIN) sent = 0;
    if (sent < 0) return close(s);
    if (sent < n) write_rest(s, b->base + sent, static_cast<std::size_t>(n - sent));
}

void on_read_discard(uv_stream_t* s, ssize_t n, const uv_buf_t*) {
    if (n < 0) close(s);
}

uv_read_cb on_read = on_read_echo;

void on_connection(uv_stream_t* listener, int) {
    auto* const connection = new uv_tcp_t;
    uv_tcp_init(listener->loop, connection);
    auto* const stream = reinterpret_cast<uv_stream_t*>(connection);
    bool const accepted = uv_accept(listener, stream) == 0;
    if (!accepted || !on_read) return close(stream);
    uv_tcp_nodelay(connection, 1);
    uv_read_start(stream, lend, on_read);
}

}  // namespace

int main(int argc, char** argv) {
    std::string_view const mode = argc > 1 ? argv[1] : "echo";
    if (mode == "discard") on_read = on_read_discard;
    if (mode == "close") on_read = nullptr;
    uv_loop_t* const loop = uv_default_loop();
    uv_tcp_t listener;
    uv_tcp_init(loop, &listener);
    sockaddr_in here{};
    uv_ip4_addr("127.0.0.1", 0, &here);
    uv_tcp_bind(&listener, reinterpret_cast<sockaddr*>(&here), 0);
    uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, on_connection);
    int size = sizeof here;
    uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&here), &size);
    std::printf("127.0.0.1:%d\n", ntohs(here.sin_port));
    std::fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
