#include <green/net/detail/tls_session_cache.hpp>

#include <algorithm>
#include <utility>

namespace green::detail {

void tls_session_cache::put(std::string server, openssl_ptr<SSL_SESSION> session) {
    std::lock_guard const lock(mutex_);
    if (entries_.size() == capacity) entries_.pop_front();
    entries_.push_back({std::move(server), std::move(session)});
}

openssl_ptr<SSL_SESSION> tls_session_cache::take(std::string_view server) {
    std::lock_guard const lock(mutex_);
    auto const newest = std::find_if(entries_.rbegin(), entries_.rend(), [&](const entry& e) {
        return e.server == server;
    });
    if (newest == entries_.rend()) return nullptr;
    if (SSL_SESSION_get_protocol_version(newest->session.get()) < TLS1_3_VERSION) {
        SSL_SESSION_up_ref(newest->session.get());
        return openssl_ptr<SSL_SESSION>(newest->session.get());
    }
    auto session = std::move(newest->session);
    entries_.erase(std::next(newest).base());
    return session;
}

void tls_session_cache::clear() {
    std::lock_guard const lock(mutex_);
    entries_.clear();
}

std::size_t tls_session_cache::size() const {
    std::lock_guard const lock(mutex_);
    return entries_.size();
}

}  // namespace green::detail
