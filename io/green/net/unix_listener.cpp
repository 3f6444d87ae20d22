#include <green/net/unix_listener.hpp>

#include <green/net/detail/socket_call.hpp>
#include <green/net/detail/stream_socket.hpp>

#include <cerrno>
#include <string>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace green {
namespace {

using namespace detail;

bool has_file(const address& a) { return !a.ip().starts_with('@'); }

/// Nobody listens at the path any more; a file that is no socket is left alone (ENOTSOCK).
bool is_abandoned(const address& path) {
    owned_fd const probe = open_socket(address_family::unix_path, SOCK_STREAM, "unix");
    return ::connect(probe.get(), path.data(), path.size()) != 0 && errno == ECONNREFUSED;
}

bool bind_to(int fd, const address& local, bool replace) {
    if (::bind(fd, local.data(), local.size()) == 0) return true;
    if (errno != EADDRINUSE || !replace || !has_file(local)) return false;
    if (is_abandoned(local)) ::unlink(local.ip().c_str());
    return ::bind(fd, local.data(), local.size()) == 0;
}

}  // namespace

unix_listener unix_listener::bind(const address& local, const unix_listen_options& o) {
    std::string const object = "unix " + local.to_string();
    if (local.family() != address_family::unix_path)
        throw_socket_error("listen", object, EAFNOSUPPORT);
    owned_fd fd = open_socket(local.family(), SOCK_STREAM, object);
    // Before the file is there: so it never has others.
    bool const listens = ::fchmod(fd.get(), o.permissions) == 0 &&
        bind_to(fd.get(), local, o.replace) && ::listen(fd.get(), o.backlog) == 0;
    if (!listens) throw_socket_error("listen", object, errno);
    unix_listener made(std::move(fd));
    struct stat file{};
    if (has_file(local) && ::stat(local.ip().c_str(), &file) == 0)
        made.file_ = socket_file{local, file.st_dev, file.st_ino};
    return made;
}

unix_listener unix_listener::from_descriptor(owned_fd fd) {
    require_stream_socket(fd.get(), {AF_UNIX}, true, "take over", "unix listener");
    return unix_listener(std::move(fd));
}

unix_listener::unix_listener(unix_listener&& other) noexcept
    : handle_(std::move(other.handle_)), file_(std::exchange(other.file_, {})) {}

unix_listener& unix_listener::operator=(unix_listener&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(file_, other.file_);
    if (this != &other) other.close();
    return *this;
}

void unix_listener::close() noexcept {
    remove_file();
    handle_.close();
}

/// Unless another listener has put its own in the place of it.
void unix_listener::remove_file() noexcept {
    if (!file_) return;
    socket_file const ours = *std::exchange(file_, {});
    std::string const path = ours.path.ip();
    struct stat now{};
    if (::stat(path.c_str(), &now) == 0 && now.st_dev == ours.device && now.st_ino == ours.inode)
        ::unlink(path.c_str());
}

address unix_listener::local_address() const {
    if (!is_open()) throw_socket_error("address of", "unix listener", EBADF);
    return local_address_of(handle_.fd());
}

}  // namespace green
