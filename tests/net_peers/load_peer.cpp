// The two ends of a large load, for load.py: each of them as several processes.

#include "net_peers/peer.hpp"

#include <green/loop/run.hpp>
#include <green/loop/run_main.hpp>
#include <green/net/serve.hpp>
#include <green/net/tcp_listener.hpp>
#include <green/net/tcp_stream.hpp>
#include <green/tasks/spawn.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace green_peer {
namespace {

using namespace green;
using namespace std::chrono_literals;

std::size_t number(const options& o, const std::string& name) {
    return std::strtoul(o[name].c_str(), nullptr, 10);
}

// --- a server

task<> echo(tcp_stream peer, std::size_t& echoed) {
    for (;;) {
        chunk const data = co_await peer.read();
        if (data.empty()) co_return;
        co_await peer.write_all(data);
        echoed += data.size();
    }
}

/// Until SIGTERM. On the port that another one has, if it is given.
task<> serve_load(const options& o) {
    listen_options shared;
    shared.reuse_port = true;
    tcp_listener l = tcp_listener::bind("0.0.0.0", o.has("port") ? o.port() : 0, shared);
    say("port: " + std::to_string(l.local_address().port()));
    std::size_t echoed = 0;
    auto const handler = [&](tcp_stream peer) { return echo(std::move(peer), echoed); };
    serve_options patient;
    patient.grace_on_cancel = 30s;
    serve_report const r = co_await serve(l, handler, patient);
    say("served: " + std::to_string(r.served) + ", cancelled: " + std::to_string(r.cancelled) +
        ", echoed: " + std::to_string(echoed));
}

// --- its clients

struct tally {
    std::size_t answers = 0;
    std::size_t bytes = 0;
};

task<> ask(tcp_stream& s, const std::string& question, tally& t) {
    std::string answer(question.size(), '\0');
    co_await s.write_all(question);
    co_await s.read_exactly(std::as_writable_bytes(std::span(answer)));
    if (answer != question) throw std::runtime_error("a wrong answer");
    ++t.answers;
    t.bytes += answer.size();
}

task<> ask_until(tcp_stream s, clock::time_point end, tally& t) {
    std::string const question(512, 'q');
    while (now() < end) co_await ask(s, question, t);
}

task<std::vector<tcp_stream>> connect_all(address server, std::size_t count, tally& t) {
    std::vector<tcp_stream> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(co_await tcp_stream::connect(server));
        co_await ask(all.back(), "x", t);
    }
    co_return all;
}

/// Connects all, waits for a line of standard input, talks, and asks the idle ones whether they live.
task<> carry_load(const options& o) {
    address const server = address::parse(o["host"], o.port());
    tally t;
    auto idle = co_await connect_all(server, number(o, "idle"), t);
    auto busy = co_await connect_all(server, number(o, "busy"), t);
    say("connected");
    static_cast<void>(std::getchar());
    clock::time_point const end = now() + std::chrono::seconds(number(o, "seconds"));
    std::vector<join_handle<void>> talking;
    for (tcp_stream& s : busy) talking.push_back(spawn(ask_until(std::move(s), end, t)));
    for (auto& one : talking) co_await one;
    for (tcp_stream& s : idle) co_await ask(s, "y", t);
    say("answers: " + std::to_string(t.answers) + ", bytes: " + std::to_string(t.bytes));
}

const command load_server("load_server", [](const options& o) {
    static char name[] = "peer";
    char* argv[] = {name, nullptr};
    run_main([&] { return serve_load(o); }, 1, argv);
});
const command load_client("load_client", [](const options& o) {
    run_options quiet;
    quiet.stall_threshold = 0ns;  // it waits for its standard input
    run(quiet, carry_load, std::cref(o));
});

}  // namespace
}  // namespace green_peer
