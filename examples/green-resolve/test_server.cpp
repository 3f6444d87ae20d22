// A DNS server for the tests of green-resolve. Prints its address, and ends when its input does.

#include <green/green.hpp>
#include <green/testing/dns_server.hpp>

#include <cstdio>

using namespace std::chrono_literals;
using namespace green::testing;

namespace {

void wait_for_end_of_input() {
    while (std::getchar() != EOF) {}
}

green::task<> serve() {
    dns_server server;
    server.answer("www.example.test", {"192.0.2.1", "2001:db8::1"}, {.ttl = 300});
    server.answer("v4.example.test", {"192.0.2.4"});
    server.answer("slow.example.test", {"192.0.2.5"}, {.delay = 300ms});
    server.silent("silent.example.test");
    server.fail("broken.example.test", 2);
    server.records(
        "example.test",
        {mx_record(20, "b.example.test"), mx_record(10, "a.example.test"),
         txt_record({"v=spf1 -all", "say \"hi\""}), caa_record(0, "issue", "ca.example")},
        {.ttl = 120}
    );
    server.records("_sip._tcp.example.test", {srv_record(1, 5, 5060, "sip.example.test")});
    server.records("9.2.0.192.in-addr.arpa", {ptr_record("h.example.test")});
    server.answer("*.bulk.test", {"192.0.2.9"});
    std::printf("%s\n", server.address().to_string().c_str());
    std::fflush(stdout);
    green::thread_executor thread(1);
    co_await thread.run(wait_for_end_of_input);
}

}  // namespace

int main() { green::run(serve()); }
