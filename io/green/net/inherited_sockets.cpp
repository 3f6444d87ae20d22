#include <green/net/inherited_sockets.hpp>

#include <green/net/detail/socket_call.hpp>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace green {
namespace {

constexpr int first_descriptor = 3;  // SD_LISTEN_FDS_START

std::string take_variable(const char* name) {
    const char* const value = std::getenv(name);
    std::string taken = value ? value : "";
    ::unsetenv(name);
    return taken;
}

/// -1 if it is no number.
long number(std::string_view text) noexcept {
    long value = -1;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

/// The text before the next colon, which goes with it.
std::string next_name(std::string_view& names) {
    std::size_t const colon = names.find(':');
    std::string name(names.substr(0, colon));
    names.remove_prefix(colon == std::string_view::npos ? names.size() : colon + 1);
    return name;
}

}  // namespace

std::vector<inherited_socket> inherited_sockets() {
    std::string const process = take_variable("LISTEN_PID");
    std::string const count = take_variable("LISTEN_FDS");
    std::string const all_names = take_variable("LISTEN_FDNAMES");
    std::vector<inherited_socket> found;
    if (number(process) != ::getpid()) return found;
    std::string_view names = all_names;
    for (int fd = first_descriptor; fd < first_descriptor + number(count); ++fd) {
        if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            detail::throw_socket_error("inherit", "descriptor " + std::to_string(fd), errno);
        found.push_back({owned_fd(fd), next_name(names)});
    }
    return found;
}

}  // namespace green
