#pragma once

// HTTP on Boost.Beast's parser, for servers that bring the sockets.

#include "http_response.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace bench {

/// The requests of one connection, and what is answered.
class http_answers {
public:
    /// The responses to all requests that are whole with what has arrived, for one write. Throws what
    /// Beast says of others.
    std::string_view operator()(std::string_view arrived) {
        batch_.clear();
        if (!unread_.empty()) arrived = unread_ += arrived;
        while (!arrived.empty()) {
            boost::system::error_code error;
            boost::asio::const_buffer const input(arrived.data(), arrived.size());
            arrived.remove_prefix(parser_->put(input, error));
            if (error == boost::beast::http::error::need_more) break;
            if (error) throw boost::system::system_error(error);
            batch_ += http_response();
            parser_.emplace();
        }
        unread_ = std::string(arrived);
        return batch_;
    }

private:
    using parser = boost::beast::http::request_parser<boost::beast::http::empty_body>;

    std::optional<parser> parser_{std::in_place};
    std::string unread_;
    std::string batch_;
};

}  // namespace bench
