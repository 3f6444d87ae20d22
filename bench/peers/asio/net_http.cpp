// bench/net_http.cpp on Asio: the same answers on Beast's parser, a coroutine and a buffer of 64 KiB for
// each connection.

#include "../../http_answers.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using asio::ip::tcp;

asio::awaitable<void> talk(tcp::socket s) {
    bench::http_answers answers;
    std::vector<char> buffer(64 << 10);
    try {
        for (;;) {
            std::size_t const n =
                co_await s.async_read_some(asio::buffer(buffer), asio::use_awaitable);
            std::string_view const batch = answers({buffer.data(), n});
            if (!batch.empty())
                co_await asio::async_write(s, asio::buffer(batch), asio::use_awaitable);
        }
    } catch (const std::system_error&) {  // the end
    }
}

asio::awaitable<void> serve(asio::io_context& loop) {
    tcp::acceptor listener(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    std::printf("127.0.0.1:%d\n", listener.local_endpoint().port());
    std::fflush(stdout);
    for (;;) {
        tcp::socket s = co_await listener.async_accept(asio::use_awaitable);
        s.set_option(tcp::no_delay(true));
        asio::co_spawn(loop, talk(std::move(s)), asio::detached);
    }
}

}  // namespace

int main() {
    asio::io_context loop(1);
    asio::co_spawn(loop, serve(loop), asio::detached);
    loop.run();
}
