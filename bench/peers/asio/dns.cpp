// bench/dns.cpp on Asio: a coroutine a name, async_resolve, all at once. Asio has one thread for them.

#include "../c/dns_figures.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <asio/use_awaitable.hpp>

#include <exception>

namespace {

using asio::ip::udp;

asio::awaitable<void> look_up(asio::io_context& loop, std::string name, bool both) {
    udp::resolver resolver(loop);
    if (both) {
        co_await resolver.async_resolve(name, "", asio::use_awaitable);
    } else {
        co_await resolver.async_resolve(udp::v4(), name, "", asio::use_awaitable);
    }
}

void look_up_all(std::size_t first, std::size_t names, bool both) {
    asio::io_context loop(1);
    auto const end = [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    };
    for (std::size_t i = 0; i < names; ++i) {
        asio::co_spawn(loop, look_up(loop, bench::absolute_name(first + i), both), end);
    }
    loop.run();
}

}  // namespace

int main(int argc, char** argv) { bench::dns_figures("asio", argc, argv, look_up_all); }
