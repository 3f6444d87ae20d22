// The commands that speak TLS.

#include "net_peers/peer.hpp"

#include <green/core/errors.hpp>
#include <green/loop/run.hpp>
#include <green/net/tcp_listener.hpp>
#include <green/net/tcp_stream.hpp>
#include <green/net/tls_stream.hpp>
#include <green/testing/certificates.hpp>

#include <chrono>
#include <fstream>
#include <string>
#include <utility>

namespace green_peer {
namespace {

using namespace green;
using secure_stream = tls_stream<tcp_stream>;

/// The whole of what the two ends agree on, for run.py.
void say_agreement(const secure_stream& s) {
    tls_info const info = s.info();
    say("version: " + info.version);
    say("protocol: " + info.protocol);
    say("server name: " + info.server_name);
    say("peer: " + info.peer_subject);
    say(std::string("resumed: ") + (info.resumed ? "yes" : "no"));
}

tls_context with_options(tls_context context, const options& o) {
    if (o.has("trust")) context.trust(o["trust"]);
    if (o.has("revocations")) context.use_revocations(o["revocations"]);
    if (o.has("alpn")) context.set_alpn({o["alpn"]});
    if (o.get("minimum") == "1.3") context.set_minimum_version(tls_version::v1_3);
    return context;
}

/// One request, and what comes back until the end.
task<> ask(const options& o, const tls_context& context) {
    auto const remote = address::parse("127.0.0.1", o.port());
    tcp_stream below = co_await tcp_stream::connect(remote);
    auto s = co_await secure_stream::connect(std::move(below), o.get("host", "localhost"), context);
    say_agreement(s);
    std::string const request = o.get("say", "GET / HTTP/1.0") + "\r\n\r\n";
    co_await s.write_all(request);
    if (o.has("until")) {
        std::string const text = co_await s.read_until(o["until"], 10'000);
        say("read: " + text);
        co_await s.close();
        co_return;
    }
    std::size_t size = 0;
    for (;;) {
        chunk const c = co_await s.read();
        if (c.empty()) break;
        size += c.size();
    }
    say("read: " + std::string(size > 0 ? "something" : "nothing"));
    co_await s.close();
}

/// Answers HTTP enough for curl, and everything else with itself.
task<> answer(secure_stream& s, const options& o) {
    std::string const line = co_await s.read_until("\n", 10'000);
    say("got: " + line.substr(0, line.find_last_not_of("\r\n") + 1));
    if (line.starts_with("GET ")) {
        co_await s.read_until("\r\n\r\n", 10'000);
        std::string const body(std::stoul(o.get("body", "5")), 'x');
        std::string const head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n";
        const_buffer const parts[] = {head, body};
        co_await s.write_all(parts);
    } else {
        co_await s.write_all(line);
    }
    if (o.get("cut") != "yes") co_await s.close();
}

task<> serve_one(tcp_stream below, const options& o, const tls_context& context) {
    try {
        auto s = co_await secure_stream::accept(std::move(below), context);
        say_agreement(s);
        co_await answer(s, o);
        say("answered");
    } catch (const std::exception& e) {
        say(std::string("error: ") + e.what());
    }
}

task<> listen(const options& o, const tls_context& context) {
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    say("port: " + std::to_string(listener.local_address().port()));
    for (auto left = std::stoul(o.get("count", "1")); left > 0; --left) {
        tcp_stream below = co_await listener.accept();
        co_await serve_one(std::move(below), o, context);
    }
}

void tls_client(const options& o) {
    tls_context context = with_options(tls_context::client(), o);
    if (o.has("certificate")) context.use_certificate(o["certificate"], o["key"]);
    for (auto left = std::stoul(o.get("count", "1")); left > 0; --left) run(ask, o, context);
}

void tls_server(const options& o) {
    tls_context context = with_options(tls_context::server(o["certificate"], o["key"]), o);
    if (o.get("demand") == "yes") context.set_verification(tls_verification::required);
    run(listen, o, context);
}

void make_certificates(const options& o) {
    using namespace green::testing;
    auto const save = [&](const std::string& name, const std::string& text) {
        std::ofstream(o["directory"] + '/' + name) << text;
    };
    auto const save_pair = [&](const std::string& name, const certificate& made) {
        save(name + ".pem", made.chain);
        save(name + ".key", made.key);
    };
    using std::chrono::hours;
    certificate_authority root("peers root");
    certificate_authority middle = root.intermediate("peers middle");
    certificate_authority fallen = root.intermediate("peers fallen");
    save("root.pem", root.pem());
    save_pair("good", middle.issue({"localhost", "127.0.0.1"}));
    save_pair("expired", middle.issue({"localhost"}, {hours(-48), hours(-24)}));
    save_pair("early", middle.issue({"localhost"}, {hours(24), hours(48)}));
    save_pair("elsewhere", middle.issue({"elsewhere.test"}));
    save_pair("self_signed", certificate_authority::self_signed({"localhost"}));
    save_pair("client", middle.issue({"client 7"}));
    certificate const revoked = middle.issue({"localhost"});
    middle.revoke(revoked);
    save_pair("revoked", revoked);
    save_pair("fallen", fallen.issue({"localhost"}));
    root.revoke(fallen);
    save("revocations.pem", root.revocations() + middle.revocations() + fallen.revocations());
}

command const commands[] = {
    {"make_certificates", make_certificates},
    {"tls_client", tls_client},
    {"tls_server", tls_server},
};

}  // namespace
}  // namespace green_peer
