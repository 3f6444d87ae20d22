#include <green/http/http.hpp>

#include <green/loop/loop_core.hpp>

#include <utility>

namespace green::http {
namespace {

class default_client_service final : public detail::loop_service {
public:
    client object;
};

}  // namespace

client& default_client() {
    return detail::loop_core::require("http::default_client")
        .service<default_client_service>()
        .object;
}

task<response> get(std::string url, request_options options) {
    co_return co_await default_client().get(std::move(url), std::move(options));
}

task<response> post(std::string url, std::string body, request_options options) {
    co_return co_await default_client().post(std::move(url), std::move(body), std::move(options));
}

task<response> request(std::string method, std::string url, request_options options) {
    co_return co_await default_client().request(
        std::move(method), std::move(url), std::move(options)
    );
}

task<response> request(
    std::string method, std::string url, stream<std::string> body, request_options options
) {
    co_return co_await default_client().request(
        std::move(method), std::move(url), std::move(body), std::move(options)
    );
}

}  // namespace green::http
