#include <green/net/address.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace green {

static_assert(sizeof(sockaddr_in6) == 28 && sizeof(sockaddr_in) <= 28);
static_assert(alignof(sockaddr_in6) == 4);
static_assert(sizeof(address) <= 40);
static_assert(sizeof(socklen_t) == sizeof(std::uint32_t));

struct address::unix_name {
    socklen_t size = 0;
    sockaddr_un name{};

    std::string_view path() const {
        const auto head = offsetof(sockaddr_un, sun_path);
        if (size <= head) return {};  // unnamed, such as the client's end of a connection
        std::string_view all{name.sun_path, size - head};
        if (all.front() == '\0') return all;
        return all.substr(0, all.find('\0'));
    }
};

namespace {

template <class T>
T load(const std::byte* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

std::optional<std::uint16_t> read_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || rest != end) return std::nullopt;
    return port;
}

/// The index of an interface given by name or number, 0 if there is none of that name.
std::uint32_t read_scope(std::string_view text) {
    if (text.empty()) return 0;
    std::uint32_t index = 0;
    const auto end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, index);
    if (error == std::errc{} && rest == end) return index;
    if (text.size() >= IF_NAMESIZE) return 0;
    return if_nametoindex(std::string(text).c_str());
}

/// inet_pton of a text that is not terminated. Neither form is longer than 45 bytes.
bool read_ip(int family, std::string_view text, void* to) {
    char copy[INET6_ADDRSTRLEN];
    if (text.size() >= sizeof copy || text.find('\0') != text.npos) return false;
    copy[text.copy(copy, text.size())] = '\0';
    return inet_pton(family, copy, to) == 1;
}

std::string quoted(std::string_view text) {
    constexpr std::size_t limit = 120;
    std::string out = "\"";
    for (const char c : text.substr(0, limit)) out += c >= ' ' && c <= '~' ? c : '?';
    return out += text.size() > limit ? "...\"" : "\"";
}

}  // namespace

address::address() noexcept {
    std::memset(inet_, 0, sizeof inet_);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(inet_, &v4, sizeof v4);
}

address::address(std::string_view unix_path) : address() {
    unix_ = new unix_name;
    unix_->name.sun_family = AF_UNIX;
    unix_path.copy(unix_->name.sun_path, sizeof unix_->name.sun_path);
    // The zero byte that ends a path counts; an abstract name has none.
    const bool is_path = !unix_path.empty() && unix_path.front() != '\0';
    const auto size = offsetof(sockaddr_un, sun_path) + unix_path.size() + (is_path ? 1 : 0);
    unix_->size = static_cast<socklen_t>(std::min(size, sizeof(sockaddr_un)));
}

address::address(const address& other)
    : unix_(other.unix_ ? new unix_name(*other.unix_) : nullptr) {
    std::memcpy(inet_, other.inet_, sizeof inet_);
}

address::address(address&& other) noexcept : unix_(std::exchange(other.unix_, nullptr)) {
    std::memcpy(inet_, other.inet_, sizeof inet_);
}

address& address::operator=(const address& other) {
    if (this != &other) *this = address(other);
    return *this;
}

address& address::operator=(address&& other) noexcept {
    if (this == &other) return *this;
    std::swap(unix_, other.unix_);
    std::memcpy(inet_, other.inet_, sizeof inet_);
    return *this;
}

address::~address() { delete unix_; }

address address::read(std::string_view text, std::uint16_t port, const char*& problem) {
    problem = nullptr;
    if (text.empty()) {
        problem = "empty text";
        return {};
    }
    if (text.front() == '/' || text.front() == '@') {
        if (text.find('\0') != text.npos) problem = "zero byte in a path";
        if (text.size() >= sizeof(sockaddr_un::sun_path)) problem = "path longer than 107 bytes";
        if (text == "@") problem = "empty abstract name";
        if (problem) return {};
        std::string path(text);
        if (path.front() == '@') path.front() = '\0';
        return address(path);
    }

    // Take off the port, which an IPv6 address has only behind brackets.
    std::string_view host = text;
    std::optional<std::string_view> port_text;
    bool brackets = false;
    if (text.front() == '[') {
        const auto close = text.find(']');
        if (close == text.npos) {
            problem = "no closing bracket";
            return {};
        }
        brackets = true;
        host = text.substr(1, close - 1);
        const auto rest = text.substr(close + 1);
        if (!rest.empty() && rest.front() != ':') problem = "garbage after the bracket";
        if (!rest.empty()) port_text = rest.substr(1);
    } else if (const auto colon = text.find(':'); colon != text.npos && colon == text.rfind(':')) {
        host = text.substr(0, colon);
        port_text = text.substr(colon + 1);
    }
    if (port_text) {
        if (const auto given = read_port(*port_text))
            port = *given;
        else
            problem = "the port is not a number from 0 to 65535";
    }
    if (problem) return {};

    in_addr v4;
    if (!brackets && read_ip(AF_INET, host, &v4)) {
        return from_bytes(std::as_bytes(std::span(&v4, 1)), port);
    }
    const auto percent = host.find('%');
    in6_addr v6;
    if ((port_text && !brackets) || !read_ip(AF_INET6, host.substr(0, percent), &v6)) {
        problem = "neither an IPv4 nor an IPv6 address nor a path";
        return {};
    }
    std::uint32_t scope = 0;
    if (percent != host.npos) {
        scope = read_scope(host.substr(percent + 1));
        if (scope == 0) {
            problem = "no such network interface";
            return {};
        }
    }
    return from_bytes(std::as_bytes(std::span(&v6, 1)), port, scope);
}

address address::parse(std::string_view text, std::uint16_t port) {
    const char* problem;
    address a = read(text, port, problem);
    if (problem) throw std::invalid_argument("parse address " + quoted(text) + ": " + problem);
    return a;
}

std::optional<address> address::try_parse(std::string_view text, std::uint16_t port) {
    const char* problem;
    address a = read(text, port, problem);
    if (problem) return std::nullopt;
    return a;
}

address address::from_bytes(
    std::span<const std::byte> bytes, std::uint16_t port, std::uint32_t scope
) {
    address a;
    if (bytes.size() == 4) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&v4.sin_addr, bytes.data(), 4);
        std::memcpy(a.inet_, &v4, sizeof v4);
    } else if (bytes.size() == 16) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        v6.sin6_scope_id = scope;
        std::memcpy(&v6.sin6_addr, bytes.data(), 16);
        std::memcpy(a.inet_, &v6, sizeof v6);
    } else {
        throw std::invalid_argument("an IP address has 4 or 16 bytes");
    }
    return a;
}

address address::from_sockaddr(const sockaddr* data, std::uint32_t size) {
    const auto raw = reinterpret_cast<const std::byte*>(data);
    const std::size_t all = size;
    if (data && all >= sizeof(sa_family_t)) {
        const auto family = load<sa_family_t>(raw + offsetof(sockaddr, sa_family));
        if (family == AF_INET && all >= sizeof(sockaddr_in)) {
            const auto v4 = load<sockaddr_in>(raw);
            return from_bytes(std::as_bytes(std::span(&v4.sin_addr, 1)), ntohs(v4.sin_port));
        }
        if (family == AF_INET6 && all >= sizeof(sockaddr_in6)) {
            const auto v6 = load<sockaddr_in6>(raw);
            return from_bytes(
                std::as_bytes(std::span(&v6.sin6_addr, 1)), ntohs(v6.sin6_port), v6.sin6_scope_id
            );
        }
        if (family == AF_UNIX && all <= sizeof(sockaddr_un)) {
            unix_name name;
            name.size = size;
            std::memcpy(&name.name, raw, all);
            return address(name.path());
        }
    }
    throw std::invalid_argument("a socket address of no known family, or too short for its family");
}

address_family address::family() const noexcept {
    if (unix_) return address_family::unix_path;
    const auto family = load<sa_family_t>(inet_ + offsetof(sockaddr, sa_family));
    return family == AF_INET ? address_family::ipv4 : address_family::ipv6;
}

std::span<const std::byte> address::bytes() const noexcept {
    switch (family()) {
    case address_family::ipv4: return {inet_ + offsetof(sockaddr_in, sin_addr), 4};
    case address_family::ipv6: return {inet_ + offsetof(sockaddr_in6, sin6_addr), 16};
    case address_family::unix_path: break;
    }
    return {};
}

bool address::is_loopback() const noexcept {
    const auto b = bytes();
    if (b.empty()) return true;
    if (b.size() == 4) return b[0] == std::byte{127};
    const auto v6 = load<in6_addr>(b.data());
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && b[12] == std::byte{127});
}

bool address::is_link_local() const noexcept {
    const auto b = bytes();
    if (b.empty()) return false;
    if (b.size() == 4) return b[0] == std::byte{169} && b[1] == std::byte{254};
    return b[0] == std::byte{0xfe} && (b[1] & std::byte{0xc0}) == std::byte{0x80};
}

std::uint16_t address::port() const noexcept {
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    return unix_ ? 0 : ntohs(load<in_port_t>(inet_ + offsetof(sockaddr_in, sin_port)));
}

address address::with_port(std::uint16_t port) const {
    if (unix_) return *this;
    return from_bytes(bytes(), port, scope());
}

std::uint32_t address::scope() const noexcept {
    if (family() != address_family::ipv6) return 0;
    return load<std::uint32_t>(inet_ + offsetof(sockaddr_in6, sin6_scope_id));
}

std::string address::ip() const {
    if (unix_) {
        // As /proc/net/unix shows it: @ for the zero bytes of an abstract name.
        std::string path(unix_->path());
        std::replace(path.begin(), path.end(), '\0', '@');
        return path;
    }
    char text[INET6_ADDRSTRLEN];
    const bool v4 = family() == address_family::ipv4;
    inet_ntop(v4 ? AF_INET : AF_INET6, bytes().data(), text, sizeof text);
    std::string out = text;
    if (const auto index = scope()) {
        char name[IF_NAMESIZE];
        out += '%';
        out += if_indextoname(index, name) ? std::string(name) : std::to_string(index);
    }
    return out;
}

std::string address::to_string() const {
    if (unix_ || port() == 0) return ip();
    const auto number = std::to_string(port());
    if (family() == address_family::ipv4) return ip() + ":" + number;
    return "[" + ip() + "]:" + number;
}

const sockaddr* address::data() const noexcept {
    if (unix_) return reinterpret_cast<const sockaddr*>(&unix_->name);
    return reinterpret_cast<const sockaddr*>(inet_);
}

std::uint32_t address::size() const noexcept {
    if (unix_) return unix_->size;
    return family() == address_family::ipv4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

std::strong_ordering operator<=>(const address& a, const address& b) noexcept {
    if (const auto by_family = a.family() <=> b.family(); by_family != 0) return by_family;
    if (a.unix_) return a.unix_->path() <=> b.unix_->path();
    const auto left = a.bytes();
    if (const int bytes = std::memcmp(left.data(), b.bytes().data(), left.size()); bytes != 0) {
        return bytes <=> 0;
    }
    if (const auto by_scope = a.scope() <=> b.scope(); by_scope != 0) return by_scope;
    return a.port() <=> b.port();
}

std::size_t address::hash() const noexcept {
    std::string_view text;
    if (unix_)
        text = unix_->path();
    else
        text = {reinterpret_cast<const char*>(bytes().data()), bytes().size()};
    // FNV-1a: short keys, no allocation, and the ports of one host spread.
    std::uint64_t value = 0xcbf29ce484222325u;
    const auto mix = [&](std::uint64_t byte) { value = (value ^ byte) * 0x100000001b3u; };
    for (const char c : text) mix(static_cast<unsigned char>(c));
    mix(port());
    mix(scope());
    return static_cast<std::size_t>(value ^ (value >> 32));
}

}  // namespace green
