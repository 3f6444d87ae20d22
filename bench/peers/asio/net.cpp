// bench/net.cpp on Asio: the server of the suite `net`, a coroutine and a buffer of 64 KiB for each
// connection, as Asio's own examples have it.

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

asio::awaitable<void> echo(tcp::socket s) {
    std::vector<char> buffer(64 << 10);
    try {
        for (;;) {
            std::size_t const n =
                co_await s.async_read_some(asio::buffer(buffer), asio::use_awaitable);
            co_await asio::async_write(s, asio::buffer(buffer.data(), n), asio::use_awaitable);
        }
    } catch (const std::system_error&) {  // the end
    }
}

asio::awaitable<void> discard(tcp::socket s) {
    std::vector<char> buffer(64 << 10);
    try {
        for (;;) co_await s.async_read_some(asio::buffer(buffer), asio::use_awaitable);
    } catch (const std::system_error&) {  // the end
    }
}

asio::awaitable<void> close_at_once(tcp::socket) { co_return; }

asio::awaitable<void> serve(asio::io_context& loop, std::string_view mode) {
    auto* const talk = mode == "discard" ? discard : mode == "close" ? close_at_once : echo;
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

int main(int argc, char** argv) {
    asio::io_context loop(1);
    asio::co_spawn(loop, serve(loop, argc > 1 ? argv[1] : "echo"), asio::detached);
    loop.run();
}
