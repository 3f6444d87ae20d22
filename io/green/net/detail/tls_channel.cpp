#include <green/net/detail/tls_channel.hpp>

#include <green/core/errors.hpp>
#include <green/net/tls_error.hpp>

#include <stdexcept>
#include <system_error>

namespace green::detail {

tls_turn::tls_turn(
    bool& in_use, const char* operation, const std::string& peer, std::shared_ptr<void> owner
)
    : owner_(std::move(owner)), in_use_(in_use) {
    if (in_use)
        throw std::logic_error(
            std::string("green: ") + operation + peer + ": another task is at it"
        );
    in_use = true;
}

unread_guard::~unread_guard() {
    if (size < memory_.size() && size > 0)
        ahead_.put_back({reinterpret_cast<const char*>(memory_.data()), size});
}

void throw_tls_closed(const char* operation, const std::string& peer) {
    throw closed_error(operation + peer + ": it is closed");
}

void throw_tls_shut(const std::string& peer) {
    throw disconnected_error(
        std::make_error_code(std::errc::broken_pipe), tls_write_to + peer + " after its end"
    );
}

void throw_tls_end(const std::string& peer, const std::string& wanted) {
    throw end_of_stream_error(tls_read_from + peer + wanted);
}

void throw_no_delimiter(const std::string& peer, std::size_t limit) {
    throw std::system_error(
        make_error_code(stream_errc::delimiter_not_found),
        tls_read_from + peer + ", " + std::to_string(limit) + " bytes"
    );
}

void throw_too_many_keys(const std::string& peer) {
    throw tls_error(
        tls_errc::protocol, "tls read from", peer, "the peer asks for new keys again and again"
    );
}

}  // namespace green::detail
