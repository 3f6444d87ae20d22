#include <green/green.hpp>
#include <green/testing/dns_server.hpp>

#include <cstdlib>
green::task<> ask() {
    green::testing::dns_server server;
    server.answer("www.test", {"192.0.2.1"});
    green::resolver r(green::testing::only(server));
    auto const found = co_await r.resolve("www.test");
    if (found.front().ip() != "192.0.2.1") std::abort();
}
int main() { green::run(ask(), {.virtual_time = true}); }
