#pragma once

#include <green/net/address.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace green {

/// One of the addresses of a host, and what became of it.
struct connect_attempt {
    address to;
    std::error_code cause;  ///< empty while it goes on
};

/// No address of a host could be connected to. `what()` lists them in the order in which they were
/// tried, and the lookups that failed:
///
///     connect tcp 127.0.0.1:5432: Connection refused
///     connect tcp db.example:5432: [2001:db8::7]:5432: Network is unreachable; 192.0.2.7:5432:
///         Connection refused
///
/// `code()` is the cause that tells most: the first one that came from the network rather than from
/// this machine's lack of a route, for example `connection refused`.
class connect_error : public std::system_error {
public:
    /// `attempts` is not empty. `names`: what is to be said about lookups, or nothing.
    connect_error(
        std::string_view target, std::vector<connect_attempt> attempts, std::string_view names = {}
    );

    const std::vector<connect_attempt>& attempts() const noexcept { return details_->attempts; }
    const char* what() const noexcept override { return details_->text.c_str(); }

private:
    struct details {
        std::vector<connect_attempt> attempts;
        std::string text;
    };
    std::shared_ptr<const details> details_;  // a copy of an exception may not throw
};

namespace detail {

/// `[::1]:80: Connection refused; 127.0.0.1:80: no answer yet`
std::string to_text(const std::vector<connect_attempt>& attempts);

}  // namespace detail
}  // namespace green
