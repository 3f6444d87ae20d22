// A DNS server that asks another one and remembers what it said: a UDP socket in front of a resolver.
//
//     dns_forwarder         shows it with servers of its own, on a virtual clock
//     dns_forwarder 5353    serves 127.0.0.1:5353 from the system's servers, until Ctrl-C
//
// Each query is a task. The resolver has the rest: equal questions at the same time become one, answers are kept as long as
// they may be, and a server that is slow or gone is none of the forwarder's business.

#include <green/green.hpp>
#include <green/testing/dns_server.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace green::testing;
using green::task;

constexpr std::size_t most_at_once = 1000;

int rcode_of(green::dns_errc code) {
    switch (code) {
    case green::dns_errc::not_found: return rcode_not_found;
    case green::dns_errc::no_data: return 0;
    case green::dns_errc::refused: return rcode_refused;
    default: return rcode_server_failure;
    }
}

/// Names in the data of these types are written anew; what other types have is passed on as it came.
dns_record record_of(const green::cname& r) { return cname_record(r.target); }
dns_record record_of(const green::ns& r) { return ns_record(r.nsdname); }
dns_record record_of(const green::ptr& r) { return ptr_record(r.ptrdname); }
dns_record record_of(const green::mx& r) { return mx_record(r.preference, r.exchange); }
dns_record record_of(const green::srv& r) {
    return srv_record(r.priority, r.weight, r.port, r.target);
}
dns_record record_of(const green::raw_record& r) { return {r.type, r.data}; }

template <class Record>
void add(dns_packet& reply, const dns_question& question, const std::vector<Record>& records) {
    for (const Record& r : records) {
        auto const ttl = static_cast<std::uint32_t>(r.ttl.count());
        reply.record(dns_packet::section::answer, question.name, record_of(r), ttl);
    }
}

template <class Record>
task<> ask(green::resolver& upstream, const dns_question& question, dns_packet& reply) {
    std::vector<Record> const records = co_await upstream.query<Record>(question.name);
    add(reply, question, records);
}

task<> ask_raw(green::resolver& upstream, const dns_question& question, dns_packet& reply) {
    auto const records = co_await upstream.query(question.name, question.type);
    add(reply, question, records);
}

task<> ask_for(green::resolver& upstream, const dns_question& question, dns_packet& reply) {
    switch (question.type) {
    case type_cname: return ask<green::cname>(upstream, question, reply);
    case type_ns: return ask<green::ns>(upstream, question, reply);
    case type_ptr: return ask<green::ptr>(upstream, question, reply);
    case type_mx: return ask<green::mx>(upstream, question, reply);
    case type_srv: return ask<green::srv>(upstream, question, reply);
    default: return ask_raw(upstream, question, reply);
    }
}

class forwarder {
public:
    forwarder(green::udp_socket& socket, green::resolver& upstream)
        : socket_(socket), upstream_(upstream) {}

    task<> serve() {
        green::task_pool queries(most_at_once);
        for (;;) {
            green::datagram query = co_await socket_.receive();
            co_await queries.spawn(&forwarder::answer, this, std::move(query));
        }
    }

private:
    task<> answer(green::datagram query) {
        auto const question = dns_question::read(query.data);
        if (!question) co_return;  // to nonsense silence is the answer
        dns_packet reply(*question);
        try {
            co_await ask_for(upstream_, *question, reply);
        } catch (const green::dns_error& e) {
            reply.rcode(rcode_of(e.code()));
        }
        if (question->edns) reply.opt();
        if (reply.bytes().size() > question->payload) reply = dns_packet(*question).truncated();
        auto const sending = co_await sender_.lock();
        co_await socket_.send_to(reply.bytes(), query.from);
    }

    green::udp_socket& socket_;
    green::resolver& upstream_;
    green::mutex sender_;
};

task<> serve(std::uint16_t port) {
    green::resolver upstream;
    green::udp_socket socket = green::udp_socket::bind("127.0.0.1", port);
    std::printf("serving %s\n", socket.local_address().to_string().c_str());
    forwarder f(socket, upstream);
    co_await f.serve();
}

/// Looks a name up and says how long that took.
task<> show(green::resolver& client, std::string host) {
    auto const start = green::now();
    std::string found;
    try {
        for (const green::address& a : co_await client.resolve(host, 0, {.family = 4})) {
            found += a.ip() + ' ';
        }
    } catch (const green::dns_error& e) {
        found = std::string(to_string(e.code())) + ' ';
    }
    auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(green::now() - start);
    std::printf(
        "%-18s %-12s %3d ms\n", host.c_str(), found.c_str(), static_cast<int>(took.count())
    );
}

task<> demonstrate() {
    dns_server server;
    server.answer("www.example.test", {"192.0.2.1"}, {.ttl = 60, .delay = 20ms});
    server.answer("mail.example.test", {"192.0.2.25"}, {.ttl = 60, .delay = 50ms});
    server.not_found("gone.example.test", {.ttl = 60, .delay = 30ms});
    green::resolver upstream(only(server));
    green::udp_socket socket = green::udp_socket::bind("127.0.0.1", 0);
    forwarder f(socket, upstream);
    auto serving = green::spawn(f.serve());

    green::resolver_config config;
    config.servers = {socket.local_address()};
    config.cache_entries = 0;  // so that the forwarder is asked each time
    green::resolver client(config);
    for (int round = 1; round <= 2; ++round) {
        for (const char* host : {"www.example.test", "mail.example.test", "gone.example.test"}) {
            co_await show(client, host);
        }
    }
    std::printf(
        "%d questions, %d of them passed on\n", static_cast<int>(upstream.stats().lookups),
        static_cast<int>(server.queries())
    );
    serving.cancel();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 1) {
        green::run_options options;
        options.virtual_time = true;
        green::run(demonstrate(), options);
        return 0;
    }
    std::uint16_t port = 0;
    const char* const end = argv[1] + std::strlen(argv[1]);
    auto const [stop, error] = std::from_chars(argv[1], end, port);
    if (argc > 2 || error != std::errc() || stop != end) {
        std::fputs("usage: dns_forwarder [PORT]\n", stderr);
        return 2;
    }
    return green::run_main([port] { return serve(port); }, argc, argv);
}
