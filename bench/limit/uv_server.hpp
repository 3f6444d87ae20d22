#pragma once

// What the servers on libuv alone share, as well as libuv can do it: uv_read_start once, one buffer for
// all connections, uv_try_write, and uv_write only for what that does not take.

#include <uv.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>

namespace limit {

struct connection {
    uv_tcp_t handle;  // libuv's pointers to it are pointers to all of this
    std::size_t line = 0;  // for HTTP: bytes of a line whose end has not come
};

/// What reads; none: a connection is closed at once.
inline uv_read_cb on_read = nullptr;

inline void close(uv_stream_t* s) {
    uv_close(reinterpret_cast<uv_handle_t*>(s), [](uv_handle_t* h) {
        delete reinterpret_cast<connection*>(h);
    });
}

inline void lend(uv_handle_t*, std::size_t, uv_buf_t* into) {
    static char buffer[std::size_t{64} << 10];
    *into = uv_buf_init(buffer, sizeof buffer);
}

/// The bytes stand behind it.
struct pending_write {
    uv_write_t request;
    char* data() { return reinterpret_cast<char*>(this + 1); }
};

inline void write_later(uv_stream_t* s, const char* data, std::size_t size) {
    auto* const w = static_cast<pending_write*>(std::malloc(sizeof(pending_write) + size));
    std::memcpy(w->data(), data, size);
    uv_buf_t rest = uv_buf_init(w->data(), static_cast<unsigned>(size));
    // Back-pressure: nothing more is read until this has gone.
    uv_read_stop(s);
    uv_write(&w->request, s, &rest, 1, [](uv_write_t* request, int status) {
        uv_stream_t* const stream = request->handle;
        std::free(request);
        if (status == 0)
            uv_read_start(stream, lend, on_read);
        else
            close(stream);
    });
}

inline void write(uv_stream_t* s, const char* data, std::size_t size) {
    uv_buf_t const all = uv_buf_init(const_cast<char*>(data), static_cast<unsigned>(size));
    int sent = uv_try_write(s, &all, 1);
    if (sent == UV_EAGAIN) sent = 0;
    if (sent < 0) return close(s);
    auto const gone = static_cast<std::size_t>(sent);
    if (gone < size) write_later(s, data + gone, size - gone);
}

inline void on_connection(uv_stream_t* listener, int) {
    auto* const c = new connection;
    uv_tcp_init(listener->loop, &c->handle);
    auto* const stream = reinterpret_cast<uv_stream_t*>(c);
    bool const accepted = uv_accept(listener, stream) == 0;
    if (!accepted || !on_read) return close(stream);
    uv_tcp_nodelay(&c->handle, 1);
    uv_read_start(stream, lend, on_read);
}

/// Prints the address and serves until it is ended.
inline int serve() {
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

}  // namespace limit
