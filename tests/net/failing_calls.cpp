#include "net/failing_calls.hpp"

#include <cerrno>

#include <dlfcn.h>
#include <sys/socket.h>

namespace green_test {
namespace {

thread_local failing_call* armed = nullptr;

/// The C library's function.
template <class F>
F* real(const char* name) noexcept {
    return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

failing_call::failing_call(std::string_view function, int n, int error)
    : function_(function), left_(n), error_(error) {
    armed = this;
}

failing_call::~failing_call() { armed = nullptr; }

int failing_call::error_of(std::string_view function) noexcept {
    if (!armed || armed->function_ != function || armed->left_ < 0) return 0;
    return armed->left_-- == 0 ? armed->error_ : 0;
}

bool new_fails(std::size_t size) noexcept {
    constexpr std::size_t large = 10'000;  // no frame of a coroutine is
    return size >= large && failing_call::error_of("new") != 0;
}

namespace {

/// Makes the call `name`, unless it is its turn to fail.
template <class F, class... Args>
auto call(const char* name, F*& function, Args... args) noexcept -> decltype(function(args...)) {
    if (int const error = failing_call::error_of(name)) {
        errno = error;
        return -1;
    }
    if (!function) function = real<F>(name);
    return function(args...);
}

}  // namespace
}  // namespace green_test

extern "C" {

int socket(int domain, int type, int protocol) noexcept {
    static int (*real)(int, int, int);
    return green_test::call("socket", real, domain, type, protocol);
}
int connect(int fd, const sockaddr* to, socklen_t size) {
    static int (*real)(int, const sockaddr*, socklen_t);
    return green_test::call("connect", real, fd, to, size);
}
int accept4(int fd, sockaddr* from, socklen_t* size, int flags) {
    static int (*real)(int, sockaddr*, socklen_t*, int);
    return green_test::call("accept4", real, fd, from, size, flags);
}
ssize_t recv(int fd, void* into, size_t size, int flags) {
    static ssize_t (*real)(int, void*, size_t, int);
    return green_test::call("recv", real, fd, into, size, flags);
}
ssize_t send(int fd, const void* data, size_t size, int flags) {
    static ssize_t (*real)(int, const void*, size_t, int);
    return green_test::call("send", real, fd, data, size, flags);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    static ssize_t (*real)(int, const msghdr*, int);
    return green_test::call("sendmsg", real, fd, message, flags);
}
int shutdown(int fd, int how) noexcept {
    static int (*real)(int, int);
    return green_test::call("shutdown", real, fd, how);
}
int setsockopt(int fd, int level, int option, const void* value, socklen_t size) noexcept {
    static int (*real)(int, int, int, const void*, socklen_t);
    return green_test::call("setsockopt", real, fd, level, option, value, size);
}
int getsockopt(int fd, int level, int option, void* value, socklen_t* size) noexcept {
    static int (*real)(int, int, int, void*, socklen_t*);
    return green_test::call("getsockopt", real, fd, level, option, value, size);
}
int getsockname(int fd, sockaddr* name, socklen_t* size) noexcept {
    static int (*real)(int, sockaddr*, socklen_t*);
    return green_test::call("getsockname", real, fd, name, size);
}
int getpeername(int fd, sockaddr* name, socklen_t* size) noexcept {
    static int (*real)(int, sockaddr*, socklen_t*);
    return green_test::call("getpeername", real, fd, name, size);
}

}  // extern "C"
