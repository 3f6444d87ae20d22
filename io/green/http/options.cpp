#include <green/http/options.hpp>

// Here, so that they are no aggregates, and their copies are made once.

namespace green::http {

request_options::request_options() = default;
request_options::request_options(const request_options&) = default;
request_options::request_options(request_options&&) noexcept = default;
request_options& request_options::operator=(const request_options&) = default;
request_options& request_options::operator=(request_options&&) noexcept = default;
request_options::~request_options() = default;

client_options::client_options() : user_agent("green") {}
client_options::client_options(const client_options&) = default;
client_options::client_options(client_options&&) noexcept = default;
client_options& client_options::operator=(const client_options&) = default;
client_options& client_options::operator=(client_options&&) noexcept = default;
client_options::~client_options() = default;

}  // namespace green::http
