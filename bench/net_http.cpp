// The server of the suite `net_http` on green: a task for each connection, one write for what is asked at
// once. wrk talks to it, net_http.py measures it.

#include "http_answers.hpp"

#include <green/green.hpp>

#include <cstdio>
#include <string_view>

using namespace green;

namespace {

task<> talk(tcp_stream s) {
    bench::http_answers answers;
    for (;;) {
        chunk const c = co_await s.read();
        if (c.empty()) co_return;
        std::string_view const batch = answers(c.view());
        if (!batch.empty()) co_await s.write_all(batch);
    }
}

task<> amain() {
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    std::printf("%s\n", listener.local_address().to_string().c_str());
    std::fflush(stdout);
    co_await serve(listener, talk);
}

}  // namespace

int main() { run(amain()); }
