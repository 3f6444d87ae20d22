// bench/net_tls.cpp on Asio: the server of the suite `net_tls`, a coroutine and a buffer of 64 KiB for
// each connection.

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using asio::use_awaitable;
using asio::ip::tcp;
using secure_stream = asio::ssl::stream<tcp::socket>;

asio::awaitable<void> talk(secure_stream s, std::string_view mode) {
    std::vector<char> buffer(64 << 10);
    try {
        co_await s.async_handshake(secure_stream::server, use_awaitable);
        while (mode == "receive") co_await s.async_read_some(asio::buffer(buffer), use_awaitable);
        while (mode == "send") co_await asio::async_write(s, asio::buffer(buffer), use_awaitable);
        co_await s.async_shutdown(use_awaitable);
    } catch (const std::system_error&) {  // the end
    }
}

asio::awaitable<void> serve(
    asio::io_context& loop, asio::ssl::context& context, std::string_view mode
) {
    tcp::acceptor listener(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    std::printf("127.0.0.1:%d\n", listener.local_endpoint().port());
    std::fflush(stdout);
    for (;;) {
        tcp::socket s = co_await listener.async_accept(use_awaitable);
        s.set_option(tcp::no_delay(true));
        asio::co_spawn(loop, talk({std::move(s), context}, mode), asio::detached);
    }
}

}  // namespace

int main(int argc, char** argv) {
    asio::io_context loop(1);
    asio::ssl::context context(asio::ssl::context::tls_server);
    context.use_certificate_chain_file("cert.pem");
    context.use_private_key_file("key.pem", asio::ssl::context::pem);
    asio::co_spawn(loop, serve(loop, context, argc > 1 ? argv[1] : "receive"), asio::detached);
    loop.run();
}
