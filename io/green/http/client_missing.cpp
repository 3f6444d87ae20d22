// The client of a build without libcurl: it cannot be made, and says why.

#include <green/http/client.hpp>

#include <utility>

namespace green {
namespace detail {
class curl_engine {};
}  // namespace detail

namespace http {
namespace {

[[noreturn]] void fail() {
    throw error(errc::unavailable, "http::client", {}, "green was built without libcurl");
}

}  // namespace

client::client(const client_options&) { fail(); }
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

task<response> client::get(std::string, request_options) { fail(); }
task<response> client::post(std::string, std::string, request_options) { fail(); }
task<response> client::request(std::string, std::string, request_options) { fail(); }
task<response> client::request(std::string, std::string, stream<std::string>, request_options) {
    fail();
}

void client::close() noexcept {}
std::size_t client::connections_made() const noexcept { return 0; }
std::size_t client::in_flight() const noexcept { return 0; }

}  // namespace http
}  // namespace green
