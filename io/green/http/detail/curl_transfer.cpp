#include <green/http/detail/curl_transfer.hpp>

#include <green/core/errors.hpp>
#include <green/http/detail/curl_failure.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace green::detail {
namespace {

void append(slist& list, const std::string& text) {
    curl_slist* const longer = curl_slist_append(list.get(), text.c_str());
    if (!longer) throw std::bad_alloc();
    if (!list) list.reset(longer);  // otherwise it begins where it began
}

/// `name:80:10.0.0.1,[::1]` for CURLOPT_RESOLVE.
std::string resolve_entry(const known_host& h) {
    // With a + libcurl forgets it after a minute (7.75); without, never.
    static bool const forgets = curl_version_info(CURLVERSION_NOW)->version_num >= 0x074b00;
    std::string text = forgets ? "+" : "";
    text += h.host + ':' + std::to_string(h.port) + ':';
    for (const address& a : h.addresses) {
        bool const v6 = a.family() == address_family::ipv6;
        if (text.back() != ':') text += ',';
        text += v6 ? '[' + a.ip() + ']' : a.ip();
    }
    return text;
}

/// 7.88 begins HTTP/2 anew on a connection that speaks it already, without TLS (curl #10634).
bool spoils_used_http2() noexcept {
    auto const version = curl_version_info(CURLVERSION_NOW)->version_num;
    return version >= 0x075800 && version < 0x080000;
}

std::exception_ptr closed_under(const http_transfer& t) noexcept {
    try {
        return std::make_exception_ptr(
            closed_error(t.method() + ' ' + t.url() + ": the client was closed")
        );
    } catch (...) {  // out of memory
        return std::current_exception();
    }
}

}  // namespace

std::shared_ptr<curl_transfer> curl_transfer::start(
    std::shared_ptr<curl_engine> engine,
    http_request request,
    const std::vector<known_host>& hosts,
    request_limits::place place
) {
    auto t = std::make_shared<curl_transfer>(std::move(engine), request, std::move(place));
    t->configure(request, hosts);
    t->arm_deadline();
    t->added_ = true;
    t->engine_->add(*t);
    return t;
}

curl_transfer::curl_transfer(
    std::shared_ptr<curl_engine> engine, http_request& request, request_limits::place place
)
    : http_transfer(
          engine->loop(), {request.method, request.url.text}, request.max_body, request.deadline
      ),
      engine_(std::move(engine)),
      place_(std::move(place)),
      easy_(engine_->take_easy()),
      body_(std::move(request.body)) {
    if (request.streams) expect_upload();
}

curl_transfer::~curl_transfer() { release(); }

/// libcurl forgets the transfer, now.
void curl_transfer::release() noexcept {
    if (!easy_) return;
    if (std::exchange(added_, false)) engine_->remove(*this);
    engine_->give_back(std::exchange(easy_, nullptr));
    place_.leave();
}

void curl_transfer::ended_with(CURLcode code) noexcept {
    long connections = 0;
    curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connections);
    engine_->connected(connections);
    std::exception_ptr failure;
    if (!failed()) failure = curl_failure(easy_, code, words_.data(), method(), url());
    release();
    end(std::move(failure));
    tell();
}

void curl_transfer::client_closes() noexcept { abort(closed_under(*this)); }

void curl_transfer::resume_receiving() noexcept {
    if (!added_) return;
    paused_ &= ~CURLPAUSE_RECV;
    engine_->resume(easy_, paused_);
}

void curl_transfer::resume_sending() noexcept {
    if (!added_) return;
    paused_ &= ~CURLPAUSE_SEND;
    engine_->resume(easy_, paused_);
}

// --- libcurl's callbacks: they store

std::size_t curl_transfer::on_header(
    char* data, std::size_t, std::size_t size, void* transfer
) noexcept {
    return static_cast<curl_transfer*>(transfer)->take_header({data, size}) ? size : 0;
}

std::size_t curl_transfer::on_data(
    char* data, std::size_t, std::size_t size, void* transfer
) noexcept {
    auto& self = *static_cast<curl_transfer*>(transfer);
    switch (self.take_data({data, size})) {
    case taken::yes: return size;
    case taken::no_room: self.paused_ |= CURLPAUSE_RECV; return CURL_WRITEFUNC_PAUSE;
    case taken::fails: break;
    }
    return size == 0 ? 1 : 0;  // any other number than `size` is an error
}

std::size_t curl_transfer::on_room(
    char* into, std::size_t, std::size_t size, void* transfer
) noexcept {
    auto& self = *static_cast<curl_transfer*>(transfer);
    std::size_t const given = self.give_data({into, size});
    if (given != none_yet) return given;
    self.paused_ |= CURLPAUSE_SEND;
    return CURL_READFUNC_PAUSE;
}

// --- options

template <class Value>
void curl_transfer::set(CURLoption option, Value value) {
    CURLcode const code = curl_easy_setopt(easy_, option, value);
    if (code == CURLE_OK) return;
    if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    throw http::error(
        http::errc::failed, method(), url(), std::string("libcurl: ") + curl_easy_strerror(code)
    );
}

void curl_transfer::configure(const http_request& r, const std::vector<known_host>& hosts) {
    set_callbacks();
    set(CURLOPT_URL, r.url.text.c_str());
    set_method_and_body(r);
    set_headers(r);
    set_connection(r.url, hosts);
    set_tls();
    if (r.decompress) set(CURLOPT_ACCEPT_ENCODING, "");
}

void curl_transfer::set_callbacks() {
    set(CURLOPT_PRIVATE, static_cast<void*>(this));
    set(CURLOPT_ERRORBUFFER, words_.data());
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(this));
    set(CURLOPT_WRITEFUNCTION, &on_data);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(CURLOPT_READFUNCTION, &on_room);
    set(CURLOPT_READDATA, static_cast<void*>(this));
    set(CURLOPT_NOSIGNAL, 1L);  // the loop's thread has SIGPIPE blocked
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

void curl_transfer::set_method_and_body(const http_request& r) {
    if (r.streams) {
        set(CURLOPT_UPLOAD, 1L);
        auto const size = r.body_size ? static_cast<curl_off_t>(*r.body_size) : curl_off_t{-1};
        set(CURLOPT_INFILESIZE_LARGE, size);
    } else if (!body_.empty() || r.method == "POST") {
        set(CURLOPT_POST, 1L);
        set(CURLOPT_POSTFIELDS, body_.c_str());
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
    } else if (r.method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
    }
    set(CURLOPT_CUSTOMREQUEST, r.method.c_str());
}

void curl_transfer::set_headers(const http_request& r) {
    for (const http::header& h : r.headers) {
        // What ends in a colon libcurl would leave out.
        append(headers_, h.value.empty() ? h.name + ';' : h.name + ": " + h.value);
    }
    // What libcurl would add by itself: a type that it guesses, and a second to wait for a 100.
    for (const char* const name : {"Content-Type", "Expect"}) {
        if (!r.headers.contains(name)) append(headers_, std::string(name) + ':');
    }
    set(CURLOPT_HTTPHEADER, headers_.get());
    const std::string& agent = engine_->options.user_agent;
    if (!agent.empty()) set(CURLOPT_USERAGENT, agent.c_str());
    if (r.url.user.empty() && r.url.password.empty()) return;
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    set(CURLOPT_USERNAME, r.url.user.c_str());
    set(CURLOPT_PASSWORD, r.url.password.c_str());
}

void curl_transfer::set_connection(const http_url& url, const std::vector<known_host>& hosts) {
    const http::client_options& o = engine_->options;
    long version = CURL_HTTP_VERSION_2TLS;
    if (o.version == http::http_version::http1) version = CURL_HTTP_VERSION_1_1;
    if (o.version == http::http_version::http2) version = CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    set(CURLOPT_HTTP_VERSION, version);
    if (o.version == http::http_version::http2 && !url.secure() && spoils_used_http2()) {
        set(CURLOPT_FRESH_CONNECT, 1L);
        set(CURLOPT_FORBID_REUSE, 1L);
    }
    // Rather a stream of a connection that is about to stand than another connection. Without TLS
    // nobody knows what the server has before its first response.
    bool const may_share = o.version == http::http_version::http2 ||
        (url.secure() && o.version == http::http_version::automatic);
    set(CURLOPT_PIPEWAIT, may_share ? 1L : 0L);

    constexpr auto longest = std::chrono::milliseconds(24 * 3600 * 1000);
    auto const limit = std::clamp(o.connect_timeout, std::chrono::milliseconds(1), longest);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limit.count()));
    for (const known_host& h : hosts) append(resolve_, resolve_entry(h));
    if (resolve_) set(CURLOPT_RESOLVE, resolve_.get());

    set(CURLOPT_PROXY, o.proxy.c_str());  // empty: none, whatever the environment says
    set(CURLOPT_NOPROXY, "");
}

void curl_transfer::set_tls() {
    const http::client_options& o = engine_->options;
    set(CURLOPT_SHARE, engine_->share());
    set(CURLOPT_SSL_VERIFYPEER, o.verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, o.verify ? 2L : 0L);
    if (!o.ca_file.empty()) {
        // Else the system's directory would count beside the file.
        for (CURLoption const directory : {CURLOPT_CAPATH, CURLOPT_PROXY_CAPATH})
            set(directory, static_cast<const char*>(nullptr));
        for (CURLoption const file : {CURLOPT_CAINFO, CURLOPT_PROXY_CAINFO})
            set(file, o.ca_file.c_str());
    }
    if (!o.certificate_file.empty()) set(CURLOPT_SSLCERT, o.certificate_file.c_str());
    if (!o.key_file.empty()) set(CURLOPT_SSLKEY, o.key_file.c_str());
}

}  // namespace green::detail
