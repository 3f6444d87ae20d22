// The server of the suite `net` on green: prints its address, then echoes, discards or closes, a task for
// each connection, until it is ended; "serve" closes too, by serve(). net_load.cpp talks to it, net.py
// measures it.

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

task<> spawn_each(tcp_listener& listener, task<> (*talk)(tcp_stream)) {
    for (;;) {
        tcp_stream s = co_await listener.accept();
        spawn(talk, std::move(s));
    }
}

task<> amain(std::string_view mode) {
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    std::printf("%s\n", listener.local_address().to_string().c_str());
    std::fflush(stdout);
    if (mode == "echo") co_await spawn_each(listener, echo);
    if (mode == "discard") co_await spawn_each(listener, discard);
    if (mode == "close") co_await spawn_each(listener, close_at_once);
    if (mode == "serve") co_await serve(listener, close_at_once);
}

}  // namespace

int main(int argc, char** argv) { run(amain, std::string_view(argc > 1 ? argv[1] : "echo")); }
