#include <green/net/descriptor_stream.hpp>

#include <green/net/detail/socket_call.hpp>
#include <green/net/detail/stream_state.hpp>

#include <cerrno>

#include <sys/socket.h>

namespace green {
namespace {

using namespace detail;

/// For errors.
std::string label(const poll_handle& h) {
    return h.state() ? h.state()->label() : std::string("stream");
}

}  // namespace

int descriptor_stream::descriptor(const char* operation) const {
    if (handle_.fd() < 0) throw_socket_error(operation, label(handle_), EBADF);
    return handle_.fd();
}

address descriptor_stream::local_address_or_throw() const {
    return local_address_of(descriptor("address of"));
}

address descriptor_stream::remote_address_or_throw() const {
    if (!handle_.state()) throw_socket_error("address of", "stream", EBADF);
    address const& peer = static_cast<const stream_state*>(handle_.state())->peer();
    return peer;
}

void descriptor_stream::set(const char* operation, int level, int option, int value) {
    if (!set_option(descriptor(operation), level, option, value))
        throw_socket_error(operation, label(handle_), errno);
}

int descriptor_stream::get(const char* operation, int level, int option) const {
    int value = 0;
    socklen_t size = sizeof value;
    if (getsockopt(descriptor(operation), level, option, &value, &size) != 0)
        throw_socket_error(operation, label(handle_), errno);
    return value;
}

}  // namespace green
