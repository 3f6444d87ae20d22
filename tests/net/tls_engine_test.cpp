// TLS without sockets and loops: two engines whose output is the other one's input.

#include <green/net/detail/tls_engine.hpp>

#include "net/tls_fixture.hpp"
#include "support/catch.hpp"
#include "support/random.hpp"

#include <green/dns/detail/idna.hpp>
#include <green/net/detail/openssl.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

using namespace green;
using namespace green_test;
using detail::tls_engine;
using detail::tls_status;
using testing::certificate;
using testing::certificate_authority;

namespace {

using bytes = std::vector<std::byte>;

bytes bytes_of(std::string_view text) {
    auto const all = std::as_bytes(std::span(text));
    return {all.begin(), all.end()};
}

/// An engine, with what has arrived for it, and what it has read.
struct endpoint {
    tls_engine engine;
    bytes arrived;  // the engine refers to it
    std::string read = {};
    bool shaken = false;
    bool ended = false;
    bool failed = false;

    endpoint(const tls_context& context, const std::string& host)
        : engine(context, {host, host.empty() ? "a client" : "", {}}) {}

    /// As far as it goes with these bytes.
    void take(bytes more) {
        arrived = std::move(more);
        engine.feed(arrived);
        go_on();
    }
    void take_end() {
        engine.feed_end();
        go_on();
    }
    void go_on() {
        if (!shaken) note(engine.handshake(), [&] { shaken = true; });
        while (shaken && !ended && !failed) {
            std::array<std::byte, 100> buffer;
            auto const [status, size] = engine.read(buffer);
            read.append(reinterpret_cast<const char*>(buffer.data()), size);
            note(status, [] {});
            if (status != tls_status::done) break;
        }
    }
    void write(std::string_view text) {
        auto const progress = engine.write(bytes_of(text));
        note(progress.status, [] {});
    }
    std::string error() const {
        return tls_error_of([&] { engine.throw_failure(); });
    }

private:
    template <class F>
    void note(tls_status status, F done) {
        if (status == tls_status::done) done();
        if (status == tls_status::ended) ended = true;
        if (status == tls_status::failed) failed = true;
    }
};

/// Both ends, and the wire between them.
struct connection {
    endpoint client;
    endpoint server;
    std::size_t pieces = 100'000;  // bytes that arrive at once

    connection(const tls_context& c, const tls_context& s, const std::string& host = "localhost")
        : client(c, host), server(s, "") {}

    void carry(endpoint& from, endpoint& to) const {
        bytes const sent = from.engine.take_output();
        for (std::size_t at = 0; at < sent.size() && !to.failed; at += pieces) {
            auto const begin = sent.begin() + static_cast<std::ptrdiff_t>(at);
            auto const size = std::min(pieces, sent.size() - at);
            to.take(bytes(begin, begin + static_cast<std::ptrdiff_t>(size)));
        }
    }
    void carry_all() {
        while (client.engine.output_size() + server.engine.output_size() > 0) {
            carry(client, server);
            carry(server, client);
        }
    }
    connection& shake() {
        client.go_on();
        carry_all();
        return *this;
    }
    bool good() const { return client.shaken && server.shaken && !client.failed && !server.failed; }
};

/// The same private key, with the password "secret".
std::string encrypted(const std::string& key) {
    using detail::openssl_ptr;
    openssl_ptr<BIO> const in(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
    openssl_ptr<EVP_PKEY> const read(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
    return detail::openssl_text([&](BIO* out) {
        PEM_write_bio_PKCS8PrivateKey(
            out, read.get(), EVP_aes_128_cbc(), "secret", 6, nullptr, nullptr
        );
    });
}

tls_context server_with(const certificate& mine) {
    return tls_context::server_pem(mine.chain, mine.key);
}

}  // namespace

TEST_CASE("tls: two engines shake hands, agree, talk and part", "[tls]") {
    connection c(
        client_context().set_alpn({"h2", "http/1.1"}), server_context().set_alpn({"x", "http/1.1"})
    );
    c.pieces = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{100'000});
    REQUIRE(c.shake().good());
    tls_info const ours = c.client.engine.info();
    tls_info const theirs = c.server.engine.info();
    REQUIRE(ours.version == "TLSv1.3");
    REQUIRE(ours.cipher == theirs.cipher);
    REQUIRE(ours.protocol == "http/1.1");
    REQUIRE(theirs.protocol == "http/1.1");
    REQUIRE(theirs.server_name == "localhost");
    REQUIRE(ours.peer_subject == "CN=localhost");
    REQUIRE(ours.peer_certificate.starts_with("-----BEGIN CERTIFICATE-----"));
    REQUIRE(theirs.peer_subject.empty());
    REQUIRE_FALSE(ours.resumed);

    std::string const large(50'000, 'x');
    c.client.write("question");
    c.server.write(large);
    c.carry_all();
    REQUIRE(c.server.read == "question");
    REQUIRE(c.client.read == large);
    c.client.engine.close_notify();
    c.carry_all();
    REQUIRE(c.server.ended);
    c.server.write("after the end");  // of the other half
    c.server.engine.close_notify();
    c.carry_all();
    REQUIRE(c.client.read == large + "after the end");
    REQUIRE(c.client.ended);
}

TEST_CASE("tls: a chain, an address, a name with a dot, a wildcard, another script", "[tls]") {
    certificate_authority between = test_authority().intermediate("between");
    tls_context const client = client_context();
    struct row {
        const char* host;
        std::vector<std::string> certified;
    };
    for (const auto& [host, certified] : std::initializer_list<row>{
             {"www.example.test", {"www.example.test"}},
             {"www.example.test.", {"www.example.test"}},
             {"www.example.test", {"*.example.test"}},
             {"192.0.2.7", {"192.0.2.7"}},
             {"2001:db8::7", {"2001:db8::7"}},
         }) {
        INFO(host);
        REQUIRE(connection(client, server_with(between.issue(certified)), host).shake().good());
    }
    connection named(client, server_context(), "127.0.0.1");
    REQUIRE(named.shake().good());
    REQUIRE(named.server.engine.info().server_name.empty());  // RFC 6066, 3: no addresses
    if (detail::idna_available())
        REQUIRE(
            connection(client, server_with(between.issue({"xn--bcher-kva.test"})), "bücher.test")
                .shake()
                .good()
        );
}

TEST_CASE("tls: a certificate that is not good is refused, with the reason", "[tls]") {
    auto& ca = test_authority();
    tls_context const client = client_context();
    using std::chrono::hours;
    std::string const with = "tls handshake with example.test: the certificate of ";
    auto const refusal = [&](const certificate& shown) {
        connection c(client, server_with(shown), "example.test");
        c.shake();
        REQUIRE(c.client.failed);
        REQUIRE(c.server.failed);
        REQUIRE(c.server.error().starts_with("refused: tls "));
        REQUIRE(c.client.read.empty());
        return c.client.error();
    };
    std::string error = refusal(ca.issue({"example.test"}, {hours(-48), hours(-24)}));
    REQUIRE(error.starts_with("expired: " + with + "example.test expired on 20"));
    REQUIRE(error.ends_with(" UTC"));
    error = refusal(ca.issue({"example.test"}, {hours(24), hours(48)}));
    REQUIRE(error.starts_with("not_yet_valid: " + with + "example.test is not valid before 20"));
    error = refusal(ca.issue({"other.test", "192.0.2.1"}));
    REQUIRE(
        error ==
        "wrong_host: " + with +
            "other.test is not valid for host \"example.test\", only for other.test, 192.0.2.1"
    );
    error = refusal(certificate_authority::self_signed({"example.test"}));
    REQUIRE(
        error == "self_signed: " + with + "example.test is self-signed, and not one that is trusted"
    );
    certificate_authority stranger("nobody");
    error = refusal(stranger.issue({"example.test"}));
    REQUIRE(
        error ==
        "unknown_authority: " + with +
            "example.test is of an authority that is not trusted: CN=nobody"
    );
    certificate rooted = stranger.issue({"example.test"});
    rooted.chain += stranger.pem();
    error = refusal(rooted);
    REQUIRE(error == "self_signed: " + with + "nobody is self-signed, and not one that is trusted");
    // A name of the peer's does not write what it likes into our logs.
    error = refusal(ca.issue({"other.test\n\x1b[2J"}));
    REQUIRE(error.find_first_of("\n\x1b") == error.npos);
}

TEST_CASE("tls: what was revoked is refused, the owner's and an authority's", "[tls]") {
    certificate_authority root("root");
    certificate_authority middle = root.intermediate("middle");
    certificate const good = middle.issue({"localhost"});
    certificate const bad = middle.issue({"localhost"});
    middle.revoke(bad);
    auto const trusting = [&](const std::string& lists) {
        return tls_context::client().use_revocations_pem(lists).trust_pem(root.pem());
    };
    auto const outcome = [](const tls_context& client, const certificate& shown) {
        connection c(client, server_with(shown));
        return c.shake().good() ? "good" : c.client.error();
    };
    std::string const with = "tls handshake with localhost: the certificate of ";
    tls_context const client = trusting(root.revocations() + middle.revocations());
    REQUIRE(outcome(client, good) == "good");
    REQUIRE(outcome(client, bad) == "revoked: " + with + "localhost has been revoked");
    REQUIRE(
        outcome(trusting(root.revocations()), good) ==
        "bad_certificate: " + with + "localhost: unable to get certificate CRL"
    );
    root.revoke(middle);
    REQUIRE(
        outcome(trusting(root.revocations() + middle.revocations()), good) ==
        "revoked: " + with + "middle has been revoked"
    );
}

TEST_CASE("tls: a server that demands a certificate", "[tls]") {
    tls_context const server = server_context()
                                   .trust_pem(test_authority().pem())
                                   .set_verification(tls_verification::required);
    certificate const worker = test_authority().issue({"worker 7"});
    connection good(client_context().use_certificate_pem(worker.chain, worker.key), server);
    REQUIRE(good.shake().good());
    REQUIRE(good.server.engine.info().peer_subject == "CN=worker 7");

    connection none(client_context(), server);
    none.shake();
    REQUIRE(
        none.server.error() ==
        "no_certificate: tls handshake with a client: the peer has shown no certificate"
    );
    REQUIRE(
        none.client.error() ==
        "refused: tls read from localhost: the peer refused: certificate required"
    );

    certificate const stranger = certificate_authority::self_signed({"mallory"});
    connection bad(client_context().use_certificate_pem(stranger.chain, stranger.key), server);
    bad.shake();
    REQUIRE(
        bad.server.error().starts_with("self_signed: tls handshake with a client: the certificate "
                                       "of mallory is self-signed")
    );
    REQUIRE(bad.client.error().ends_with("the peer refused: unknown ca"));
}

TEST_CASE("tls: a session goes on in the next connection", "[tls]") {
    tls_context const client = client_context();
    tls_context const server = server_context();
    {
        connection first(client, server);
        REQUIRE(first.shake().good());
        REQUIRE_FALSE(first.client.engine.info().resumed);
    }
    REQUIRE(client.session_count() == 2);
    connection second(client, server);
    REQUIRE(second.shake().good());
    REQUIRE(second.client.engine.info().resumed);
    REQUIRE(second.server.engine.info().resumed);
    REQUIRE(second.client.engine.info().peer_subject == "CN=localhost");
    connection elsewhere(client, server, "127.0.0.1");
    REQUIRE(elsewhere.shake().good());
    REQUIRE_FALSE(elsewhere.client.engine.info().resumed);  // a session is of one host
    connection restarted(client, server_context());  // which cannot read the ticket
    REQUIRE(restarted.shake().good());
    REQUIRE_FALSE(restarted.client.engine.info().resumed);
    // Who trusts others does not go on with what was good before.
    tls_context changed = client;
    changed.trust_pem(test_authority().pem());
    REQUIRE(client.session_count() == 0);
}

TEST_CASE("tls: no protocol in common, no version in common, no TLS at all", "[tls]") {
    connection protocols(client_context().set_alpn({"h2"}), server_context().set_alpn({"smtp"}));
    protocols.shake();
    REQUIRE(protocols.server.error().starts_with("no_agreement: tls handshake with a client: "));
    REQUIRE(
        protocols.client.error() ==
        "refused: tls handshake with localhost: the peer refused: no application protocol"
    );

    endpoint client(client_context(), "localhost");
    client.go_on();
    client.take(bytes_of("220 mail.example.test ESMTP\r\n"));
    REQUIRE(client.error() == "no_tls: tls handshake with localhost: the peer does not speak TLS");
    endpoint server(server_context(), "");
    server.take(bytes_of("GET / HTTP/1.0\r\n\r\n"));
    REQUIRE(server.error() == "no_tls: tls handshake with a client: the peer does not speak TLS");
}

TEST_CASE("tls: verification that is turned off, and a host that is none", "[tls]") {
    tls_context const careless = tls_context::client().set_verification(tls_verification::none);
    certificate const nobody = certificate_authority::self_signed({"nobody"});
    REQUIRE(connection(careless, server_with(nobody), "localhost").shake().good());
    REQUIRE(connection(careless, server_with(nobody), "").shake().good());
    REQUIRE(
        tls_error_of([] { endpoint(client_context(), ""); }) ==
        "bad_configuration: tls handshake with a client: there is no host that its certificate "
        "could be of"
    );
    REQUIRE(tls_error_of([] { endpoint(client_context(), "."); }).starts_with("bad_configuration: ")
    );
}

TEST_CASE("tls: a certificate that nobody minded is not what goes wrong later", "[tls]") {
    tls_context const careless = tls_context::client().set_verification(tls_verification::none);
    certificate const nobody = certificate_authority::self_signed({"nobody"});
    connection c(careless, server_with(nobody), "localhost");
    REQUIRE(c.shake().good());
    c.client.take_end();
    REQUIRE(c.client.error().starts_with("truncated: tls read from "));
}

TEST_CASE("tls: a connection cut at any byte is seen to be cut", "[tls]") {
    tls_context const client = client_context();
    tls_context const server = server_context();
    auto const cut = [](endpoint& e, const bytes& sent, std::size_t at) {
        e.take(bytes(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(at)));
        e.take_end();
        REQUIRE(e.failed);
        REQUIRE_FALSE(e.ended);
        REQUIRE(e.error().starts_with("truncated: tls "));
    };
    endpoint asking(client, "localhost");
    asking.go_on();
    bytes const hello = asking.engine.take_output();
    for (std::size_t n = 0; n < hello.size(); ++n) {
        endpoint asked(server, "");
        cut(asked, hello, n);
    }
    std::size_t length = 1;
    for (std::size_t n = 0; n < length; n += 11) {  // each costs two handshakes
        connection c(client, server);
        c.client.go_on();
        c.carry(c.client, c.server);
        bytes const answer = c.server.engine.take_output();
        length = answer.size();
        cut(c.client, answer, n);
        REQUIRE_FALSE(c.client.shaken);
    }
    length = 1;
    for (std::size_t n = 0; n < length; ++n) {
        connection c(client, server);
        c.shake();
        c.server.write("message");
        c.server.engine.close_notify();
        bytes const rest = c.server.engine.take_output();
        length = rest.size();
        cut(c.client, rest, n);
        REQUIRE((c.client.read.empty() || c.client.read == "message"));
    }
}

TEST_CASE("tls: what was changed on its way is refused, and garbage is", "[tls]") {
    tls_context const client = client_context();
    tls_context const server = server_context();
    random_source random(24);
    for (int i = 0; i < 150; ++i) {
        connection c(client, server);
        c.client.go_on();
        c.carry(c.client, c.server);
        bool const late = i % 2 == 0;
        if (late) {
            c.carry_all();
            c.server.write("message");
        }
        bytes sent = c.server.engine.take_output();
        auto const at = static_cast<std::size_t>(random.below(static_cast<int>(sent.size())));
        sent[at] ^= static_cast<std::byte>(1 + random.below(255));
        c.client.take(sent);
        c.client.take_end();
        REQUIRE(c.client.failed);
        REQUIRE(c.client.read.empty());
        REQUIRE(c.client.shaken == late);
    }
    for (int i = 0; i < 300; ++i) {
        bytes garbage(1 + static_cast<std::size_t>(random.below(400)));
        for (std::byte& b : garbage) b = static_cast<std::byte>(random.below(256));
        if (i % 2 == 0 && garbage.size() > 5) {  // a record of the handshake, from outside
            garbage[0] = std::byte{22};
            garbage[1] = garbage[2] = std::byte{3};
            garbage[3] = std::byte{0};
        }
        endpoint e(i % 3 == 0 ? client : server, i % 3 == 0 ? "localhost" : "");
        e.go_on();
        e.take(garbage);
        e.take_end();
        REQUIRE(e.failed);
    }
}

TEST_CASE("tls: a certificate, key or list that cannot be used", "[tls]") {
    auto const& mine = localhost_certificate();
    auto const other = certificate_authority::self_signed({"other"});
    REQUIRE(tls_error_of([&] {
                tls_context::server_pem("nothing", mine.key);
            }) == "bad_configuration: use the certificate in the text: there is none in it");
    REQUIRE(tls_error_of([&] {
                tls_context::server_pem(mine.chain, "nothing");
            }) == "bad_configuration: use the private key in the text: there is none in it");
    REQUIRE(
        tls_error_of([&] { tls_context::server_pem(mine.chain, other.key); }) ==
        "bad_configuration: use the certificate in the text: the private key in the text is not its"
    );
    // One that has a password is not asked for it on the terminal.
    std::string const locked = encrypted(mine.key);
    REQUIRE(tls_error_of([&] { tls_context::server_pem(mine.chain, locked); }
    ).starts_with("bad_configuration: use the private key in the text: "));
    tls_context::server_pem(mine.chain, mine.key).use_certificate_pem(mine.chain, locked, "secret");
    std::string torn = mine.chain;
    torn.replace(100, 4, "????");
    REQUIRE(tls_error_of([&] { tls_context::client().trust_pem(torn); }
    ).starts_with("bad_configuration: trust the authorities in the text: "));
    REQUIRE(tls_error_of([&] {
                tls_context::client().use_revocations_pem(mine.chain);
            }) == "bad_configuration: use the revocations in the text: there is none in it");
    REQUIRE_THROWS_AS(tls_context::client().set_alpn({""}), std::invalid_argument);
    REQUIRE_THROWS_AS(
        tls_context::client().set_alpn({std::string(256, 'x')}), std::invalid_argument
    );
    try {
        tls_context::client().trust("/nowhere/ca.pem");
        FAIL("there is no such file");
    } catch (const std::system_error& e) {
        REQUIRE(std::string(e.what()) == "open /nowhere/ca.pem: No such file or directory");
    }
}
