// The server of the suite `net` on green: prints its address, then echoes, discards or closes, a task for
// each connection, until it is ended. net_load.cpp talks to it, net.py measures it.

#include <green/green.hpp>

#include <cstdio>
#include <string_view>
#include <utility>

using namespace green;

namespace {

task<> echo(tcp_stream s) {
    for (;;) {
        chunk const c = co_await s.read();
        if (c.empty()) co_return;
        co_await s.write_all(c);
    }
}

task<> discard(tcp_stream s) {
    for (;;) {
        chunk const c = co_await s.read();
        if (c.empty()) co_return;
    }
}

task<> close_at_once(tcp_stream s) { co_await s.close(); }

task<> serve(std::string_view mode) {
    auto* const talk = mode == "discard" ? discard : mode == "close" ? close_at_once : echo;
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    std::printf("%s\n", listener.local_address().to_string().c_str());
    std::fflush(stdout);
    for (;;) {
        tcp_stream s = co_await listener.accept();
        spawn(talk, std::move(s));
    }
}

}  // namespace

int main(int argc, char** argv) { run(serve, std::string_view(argc > 1 ? argv[1] : "echo")); }
