#pragma once

#include <green/http/client.hpp>

#include <string>

namespace green::http {

/// This loop's client, with the default options: what the functions below use.
client& default_client();

/// The page at a URL: `auto r = co_await http::get("http://www.example.org/")`. As client::get.
task<response> get(std::string url, request_options options = {});
/// As client::post.
task<response> post(std::string url, std::string body, request_options options = {});
/// Any method: `co_await http::request("PUT", url, options)`. As client::request.
task<response> request(std::string method, std::string url, request_options options = {});
/// With a body that a stream gives. As client::request.
task<response> request(
    std::string method, std::string url, stream<std::string> body, request_options options = {}
);

}  // namespace green::http
