#include <green/http/client.hpp>

#include <green/core/errors.hpp>
#include <green/dns/default_resolver.hpp>
#include <green/dns/dns_error.hpp>
#include <green/http/detail/curl_engine.hpp>
#include <green/http/detail/curl_transfer.hpp>
#include <green/http/detail/http_text.hpp>
#include <green/http/detail/http_url.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_any.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace green::http {
namespace {

using namespace detail;
using upload = stream<std::string>;

[[noreturn]] void fail(errc code, const http_request& r, std::string_view cause) {
    throw error(code, r.method, r.url.text, cause);
}

/// Waits for a place among the requests that are under way.
task<request_limits::place> enter(curl_engine& engine, const http_request& r) {
    request_limits::place place(engine.limits, r.url.origin());
    if (engine.limits.try_enter(place)) co_return place;
    bool const in_time = co_await move_on_after(r.deadline - now(), engine.limits.enter(place));
    if (!in_time) fail(errc::timeout, r, "the limit of time ran out in the line of requests");
    co_return place;
}

task<known_host> resolve(std::string host, std::uint16_t port, const http_request& r) {
    lookup_options o;
    o.timeout = r.deadline - now();
    try {
        auto addresses = co_await default_resolver().resolve(host, port, o);
        co_return known_host{std::move(host), port, std::move(addresses)};
    } catch (const dns_error& e) {
        fail(e.code() == dns_errc::timeout ? errc::timeout : errc::no_address, r, e.what());
    }
}

/// Every name that libcurl will have to know: the server's, the proxy's.
task<std::vector<known_host>> resolve_all(const client_options& o, const http_request& r) {
    auto const is_name = [](const std::string& host) { return !address::try_parse(host); };
    std::vector<known_host> hosts;
    bool server = true;
    if (!o.proxy.empty()) {
        proxy_place const proxy = parse_proxy(o.proxy);
        if (is_name(proxy.host)) hosts.push_back(co_await resolve(proxy.host, proxy.port, r));
        server = !proxy.resolves;
    }
    if (server && is_name(r.url.host)) {
        hosts.push_back(co_await resolve(r.url.host, r.url.port, r));
    }
    co_return hosts;
}

/// libcurl would cut off what is too much, and wait for what is missing.
void require_size(std::uint64_t given, bool ended, const std::optional<std::uint64_t>& promised) {
    if (!promised || given == *promised || (given < *promised && !ended)) return;
    throw std::invalid_argument(
        "green: http: a body of " + std::to_string(*promised) + " bytes was promised, the stream " +
        (ended ? "has ended after " : "has given ") + std::to_string(given)
    );
}

task<> feed(http_transfer& t, upload& body, std::optional<std::uint64_t> promised) {
    std::uint64_t given = 0;
    for (;;) {
        co_await t.until(http_wish::piece);
        if (!t.wants_piece()) co_return;
        auto piece = co_await body.next();
        if (piece && piece->empty()) continue;
        if (piece) given += piece->size();
        require_size(given, !piece, promised);
        t.supply(piece ? std::move(*piece) : std::string());
    }
}

/// Until the response has begun and all has been sent. A stream that does not go on keeps nobody from
/// learning that the server does not want it.
task<> await_head(http_transfer& t, upload* body, std::optional<std::uint64_t> body_size) {
    if (body) co_await when_any(feed(t, *body, body_size), t.until(http_wish::head));
    co_await t.until(http_wish::head);
    // A server may answer, and then break off what it does not want to read.
    if (!t.has_head()) t.check();
}

// --- redirects

bool is_redirect(const http_head& h) {
    switch (h.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: return h.fields.contains("Location");
    default: return false;
    }
}

void drop_body(http_request& r) {
    r.method = r.method == "HEAD" ? "HEAD" : "GET";
    r.body.clear();
    r.body_size.reset();
    r.streams = false;
    for (const char* name :
         {"Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding"})
        r.headers.erase(name);
}

void drop_credentials(http_request& r) {
    for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization", "Host"})
        r.headers.erase(name);
}

/// Makes `r` the request that the server has sent us to.
void redirect(http_request& r, const http_head& head) {
    http_url to = parse_http_url(r.method, std::string(head.fields.get("Location")), &r.url);
    if (to.origin() != r.url.origin()) {
        drop_credentials(r);
    } else if (to.user.empty()) {
        to.user = r.url.user;
        to.password = r.url.password;
    }
    // RFC 9110, 15.4: what all clients do, and what 303 is there for.
    bool const get = head.status == 303 || (head.status <= 302 && r.method == "POST");
    if (get) drop_body(r);
    if (r.streams) fail(errc::cannot_resend, r, "redirected to " + to.text);
    r.url = std::move(to);
}

http_request make_request(std::string method, const std::string& url, request_options& o) {
    if (!is_http_token(method))
        throw std::invalid_argument("green: not a method of HTTP: " + method);
    http_request r;
    r.url = parse_http_url(method, url);
    r.method = std::move(method);
    r.headers = std::move(o.headers);
    r.body = std::move(o.body);
    r.body_size = o.body_size;
    r.decompress = o.decompress;
    r.max_body = o.max_body;
    r.deadline = saturating_add(now(), o.timeout);
    return r;
}

task<response> send(
    std::shared_ptr<curl_engine> engine,
    std::string method,
    std::string url,
    request_options o,
    upload* body
) {
    if (&engine->loop() != loop_core::current())
        throw std::logic_error("green: http: the client belongs to another loop");
    http_request r = make_request(std::move(method), url, o);
    r.streams = body != nullptr;
    if (r.method == "HEAD" && (r.streams || !r.body.empty()))
        throw std::invalid_argument("green: http: a HEAD request has no body");
    for (unsigned redirects = 0;; ++redirects) {
        request_limits::place place = co_await enter(*engine, r);
        auto const hosts = co_await resolve_all(engine->options, r);
        if (engine->closed())
            throw closed_error(r.method + ' ' + r.url.text + ": the client is closed");
        auto const t = curl_transfer::start(engine, r, hosts, std::move(place));
        response answer(t);
        co_await await_head(*t, r.streams ? body : nullptr, r.body_size);
        if (o.max_redirects == 0 || !is_redirect(t->head())) {
            if (o.raise_for_status) answer.raise_for_status();
            co_return answer;
        }
        if (redirects == o.max_redirects)
            fail(errc::too_many_redirects, r, "more than " + std::to_string(redirects));
        redirect(r, t->head());
    }
}

task<response> send_stream(
    std::shared_ptr<curl_engine> engine,
    std::string method,
    std::string url,
    upload body,
    request_options o
) {
    co_return co_await send(
        std::move(engine), std::move(method), std::move(url), std::move(o), &body
    );
}

}  // namespace

client::client(const client_options& options) {
    if (!is_field_value(options.user_agent))
        throw std::invalid_argument("green: a control character in client_options::user_agent");
    engine_ = std::make_shared<curl_engine>(options);
}
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

task<response> client::get(std::string url, request_options options) {
    return request("GET", std::move(url), std::move(options));
}

task<response> client::post(std::string url, std::string body, request_options options) {
    options.body = std::move(body);
    return request("POST", std::move(url), std::move(options));
}

task<response> client::request(std::string method, std::string url, request_options options) {
    return send(engine_, std::move(method), std::move(url), std::move(options), nullptr);
}

task<response> client::request(
    std::string method, std::string url, stream<std::string> body, request_options options
) {
    return send_stream(
        engine_, std::move(method), std::move(url), std::move(body), std::move(options)
    );
}

void client::close() noexcept {
    if (engine_) engine_->close();
}

std::size_t client::connections_made() const noexcept { return engine_->connections_made(); }
std::size_t client::in_flight() const noexcept { return engine_->under_way(); }

}  // namespace green::http
