// The server of the suite `net` on libuv alone.

#include "uv_server.hpp"

#include <string_view>

namespace {

void echo(uv_stream_t* s, ssize_t n, const uv_buf_t* b) {
    if (n < 0) return limit::close(s);
    if (n > 0) limit::write(s, b->base, static_cast<std::size_t>(n));
}

void discard(uv_stream_t* s, ssize_t n, const uv_buf_t*) {
    if (n < 0) limit::close(s);
}

}  // namespace

int main(int argc, char** argv) {
    std::string_view const mode = argc > 1 ? argv[1] : "echo";
    limit::on_read = mode == "discard" ? discard : mode == "close" ? nullptr : echo;
    return limit::serve();
}
