// The server of the suite `net_http` on libuv alone: a request is what an empty line ends.

#include "../http_response.hpp"
#include "uv_server.hpp"

#include <string>
#include <string_view>

namespace {

/// How many requests these bytes end.
std::size_t requests_in(limit::connection& c, std::string_view data) {
    std::size_t count = 0;
    for (std::size_t end = 0; (end = data.find('\n')) != data.npos; data.remove_prefix(end + 1)) {
        if (c.line + end == 1) ++count;  // just the \r
        c.line = 0;
    }
    c.line += data.size();
    return count;
}

void answer(uv_stream_t* s, ssize_t n, const uv_buf_t* b) {
    if (n < 0) return limit::close(s);
    auto& c = *reinterpret_cast<limit::connection*>(s);
    static std::string batch;
    batch.clear();
    std::size_t count = requests_in(c, {b->base, static_cast<std::size_t>(n)});
    for (; count > 0; --count) batch += bench::http_response();
    if (!batch.empty()) limit::write(s, batch.data(), batch.size());
}

}  // namespace

int main() {
    limit::on_read = answer;
    return limit::serve();
}
