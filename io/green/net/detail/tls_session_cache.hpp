#pragma once

// Internal: the sessions that a client may resume.

#include <green/net/detail/openssl.hpp>

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>

namespace green::detail {

/// Sessions by the name of the server, the newest first. Bounded: the oldest goes. Any thread.
class tls_session_cache {
public:
    void put(std::string server, openssl_ptr<SSL_SESSION> session);
    /// Null if there is none. One of TLS 1.3 is given once, so that nobody can tell that two
    /// connections are of the same client (RFC 8446, appendix C.4).
    openssl_ptr<SSL_SESSION> take(std::string_view server);
    void clear();
    std::size_t size() const;

private:
    struct entry {
        std::string server;
        openssl_ptr<SSL_SESSION> session;
    };

    /// Few enough to be searched one by one: that takes some thousandths of a handshake.
    static constexpr std::size_t capacity = 512;

    mutable std::mutex mutex_;
    std::deque<entry> entries_;  // the newest at the end
};

}  // namespace green::detail
