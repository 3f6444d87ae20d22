// The server of the suite `net_tls` on green, with cert.pem and key.pem of the current directory: reads,
// writes or just shakes hands, a task for each connection. net_tls_load.cpp talks to it, net_tls.py
// measures it.

#include <green/green.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

using namespace green;

namespace {

using secure_stream = tls_stream<tcp_stream>;

task<> receive(secure_stream s) {
    for (;;) {
        chunk const c = co_await s.read();
        if (c.empty()) co_return;
    }
}

task<> send(secure_stream s) {
    std::string const data(64 << 10, 'x');
    for (;;) co_await s.write_all(data);
}

task<> close_at_once(secure_stream s) { co_await s.close(); }

class handler {
public:
    explicit handler(task<> (*talk)(secure_stream)) : talk_(talk) {}

    task<> operator()(tcp_stream below) {
        secure_stream s = co_await secure_stream::accept(std::move(below), context_);
        co_await talk_(std::move(s));
    }

private:
    task<> (*talk_)(secure_stream);
    tls_context context_ = tls_context::server("cert.pem", "key.pem");
};

task<> amain(std::string_view mode) {
    auto* const talk = mode == "receive" ? receive : mode == "send" ? send : close_at_once;
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    std::printf("%s\n", listener.local_address().to_string().c_str());
    std::fflush(stdout);
    co_await serve(listener, handler(talk));
}

}  // namespace

int main(int argc, char** argv) { run(amain, std::string_view(argc > 1 ? argv[1] : "receive")); }
