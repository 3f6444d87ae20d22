#pragma once

#include <green/core/task.hpp>
#include <green/http/header_list.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace green {
namespace detail {
class http_transfer;
}  // namespace detail

namespace http {

/// The answer to a request: status and header fields, which have come, and the body, which is read from
/// it while it comes.
///
/// What is not read is not taken from the network: about 64 KiB wait here, then the server has to wait.
/// A response that goes before its body was read to the end closes its connection (of HTTP/2: its
/// stream); one that was read gives it back for the next request. One task reads at a time; a second gets
/// std::logic_error. Loop-affine; it may outlive its client, not its loop.
///
///     http::response r = co_await http::get("http://www.example.org/");
///     r.raise_for_status();
///     std::string const page = co_await r.text();
class response {
public:
    response(response&&) noexcept = default;
    response& operator=(response&&) noexcept;
    ~response();

    int status() const noexcept;
    /// 200 to 299.
    bool ok() const noexcept { return status() / 100 == 2; }
    /// `Not Found`: as the server says it or, of HTTP/2, which has no such words, as RFC 9110 does.
    const std::string& reason() const noexcept;
    /// `HTTP/1.1`, `HTTP/2`.
    const std::string& version() const noexcept;
    const header_list& headers() const noexcept;
    /// Where it came from after all redirects; without user, password and fragment.
    const std::string& url() const noexcept;

    /// Throws http::error with errc::bad_status, `HTTP Error 404: Not Found`, if the status is 400 or
    /// more. Model: requests' Response.raise_for_status.
    void raise_for_status() const;

    /// The next bytes of the body, as many as have come; none at its end, and ever after. Throws
    /// http::error: connection_lost (the body is not whole), timeout, too_large, bad_response.
    /// **cancel:** total: no byte is lost.
    task<std::string> read();
    /// The same into the caller's memory, which has to stay; 0 at the end. **cancel:** total.
    task<std::size_t> read_some(std::span<std::byte> into);
    /// The rest of the body. http::error with errc::too_large if it has more than `limit` bytes.
    /// **cancel:** partial: what had been read is lost.
    task<std::string> text(std::size_t limit = std::size_t{64} << 20);

    /// Gives up what has not been read. Who reads gets closed_error. The destructor does the same.
    void close() noexcept;

    /// Internal.
    explicit response(std::shared_ptr<detail::http_transfer> transfer) noexcept;

private:
    std::shared_ptr<detail::http_transfer> transfer_;
};

}  // namespace http
}  // namespace green
