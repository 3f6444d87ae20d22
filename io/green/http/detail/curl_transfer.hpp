#pragma once

#include <green/http/detail/curl_engine.hpp>
#include <green/http/detail/http_transfer.hpp>
#include <green/http/detail/http_url.hpp>
#include <green/net/address.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <curl/curl.h>

namespace green::detail {

/// One request as it goes to one server.
struct http_request {
    std::string method;
    http_url url;
    http::header_list headers;
    std::string body;
    std::optional<std::uint64_t> body_size;  // of a stream
    bool streams = false;  // the body comes piece by piece
    bool decompress = true;
    std::size_t max_body = http::unlimited;
    clock::time_point deadline;
};

/// Where a name is, for libcurl not to ask anybody itself.
struct known_host {
    std::string host;
    std::uint16_t port;
    std::vector<address> addresses;
};

struct slist_closer {
    void operator()(curl_slist* l) const noexcept { curl_slist_free_all(l); }
};
using slist = std::unique_ptr<curl_slist, slist_closer>;

/// The easy handle of a transfer, from its start to its end.
class curl_transfer final : public http_transfer, public list_node<curl_transfer> {
public:
    /// Starts it; `place` is given back when it ends.
    static std::shared_ptr<curl_transfer> start(
        std::shared_ptr<curl_engine> engine,
        http_request request,
        const std::vector<known_host>& hosts,
        request_limits::place place
    );
    curl_transfer(
        std::shared_ptr<curl_engine> engine, http_request& request, request_limits::place place
    );
    ~curl_transfer() override;

    // --- for the engine
    CURL* easy() const noexcept { return easy_; }
    transfer_news& news() noexcept { return news_; }
    void tell_tasks() noexcept { tell(); }
    void ended_with(CURLcode code) noexcept;
    void client_closes() noexcept;

private:
    static std::size_t on_header(
        char* data, std::size_t, std::size_t size, void* transfer
    ) noexcept;
    static std::size_t on_data(char* data, std::size_t, std::size_t size, void* transfer) noexcept;
    static std::size_t on_room(char* into, std::size_t, std::size_t size, void* transfer) noexcept;

    template <class Value>
    void set(CURLoption option, Value value);
    void configure(const http_request& r, const std::vector<known_host>& hosts);
    void set_callbacks();
    void set_method_and_body(const http_request& r);
    void set_headers(const http_request& r);
    void set_connection(const http_url& url, const std::vector<known_host>& hosts);
    void set_tls();
    void release() noexcept;

    void has_news() noexcept override { engine_->add_news(*this); }
    void resume_receiving() noexcept override;
    void resume_sending() noexcept override;
    void stop() noexcept override { release(); }

    std::shared_ptr<curl_engine> engine_;
    request_limits::place place_;
    CURL* easy_ = nullptr;
    transfer_news news_{*this};
    bool added_ = false;
    int paused_ = CURLPAUSE_CONT;
    std::string body_;
    slist headers_;
    slist resolve_;
    std::array<char, CURL_ERROR_SIZE> words_{};
};

}  // namespace green::detail
