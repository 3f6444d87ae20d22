#pragma once

#include <green/core/config.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sockaddr;

namespace green {

/// What an `address` is an address of.
enum class address_family : std::uint8_t { ipv4, ipv6, unix_path };

/// Where a socket is: an IPv4 or IPv6 address with a port, or the path of a unix socket.
///
/// A value. It never looks a name up: that is `getaddrinfo` and `resolver::resolve`. What it reads
/// is exact: none of the old short forms such as `10.1` or `0x7f.1`, no blanks, no rest.
///
///     auto a = address::parse("[::1]:8080");
///     a.ip();         // "::1"
///     a.port();       // 8080
///     a.to_string();  // "[::1]:8080"
///
/// Model: `std::net::SocketAddr` of Rust, with unix paths.
class address {
public:
    /// 0.0.0.0, port 0.
    address() noexcept;

    /// Reads `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80`, `fe80::1%eth0`, `fe80::1%2`,
    /// `/run/x.sock` and `@abstract`. `port` is for a text without one.
    /// Throws std::invalid_argument that quotes the text and says what is wrong with it.
    static address parse(std::string_view text, std::uint16_t port = 0);

    /// As `parse`, empty instead of throwing.
    static std::optional<address> try_parse(std::string_view text, std::uint16_t port = 0);

    /// Four bytes make an IPv4 address, sixteen an IPv6 address, in the order of the wire. Another
    /// count throws std::invalid_argument.
    static address from_bytes(
        std::span<const std::byte> bytes, std::uint16_t port = 0, std::uint32_t scope = 0
    );

    /// Copies what accept(2), getsockname(2) and their kin fill in. Throws std::invalid_argument if
    /// the family is none of the three or `size` is too small for it.
    static address from_sockaddr(const sockaddr* data, std::uint32_t size);

    address(const address& other);
    address(address&& other) noexcept;
    address& operator=(const address& other);
    address& operator=(address&& other) noexcept;
    ~address();

    address_family family() const noexcept;
    bool is_loopback() const noexcept;  ///< also `::ffff:127.0.0.1`, and every unix path
    bool is_link_local() const noexcept;  ///< 169.254/16, fe80::/10

    /// 0 for a unix path.
    std::uint16_t port() const noexcept;

    /// The same with another port. A unix path has none and stays as it is.
    address with_port(std::uint16_t port) const;

    /// The interface index of an IPv6 address, 0 if it has none.
    std::uint32_t scope() const noexcept;

    /// The four or sixteen bytes of the address in the order of the wire; empty for a unix path.
    /// Valid as long as this object.
    std::span<const std::byte> bytes() const noexcept;

    /// The text without the port: `1.2.3.4`, `fe80::1%eth0`, `/run/x.sock`, `@abstract`.
    std::string ip() const;

    /// The text that `parse` reads back. The port is there when it is not 0.
    std::string to_string() const;

    /// What connect(2) and bind(2) take. Valid as long as this object is neither changed nor moved.
    const sockaddr* data() const noexcept;
    std::uint32_t size() const noexcept;

    friend bool operator==(const address& a, const address& b) noexcept { return (a <=> b) == 0; }

    /// By family, then bytes, scope and port; a unix path by its bytes.
    friend std::strong_ordering operator<=>(const address& a, const address& b) noexcept;

    std::size_t hash() const noexcept;

private:
    struct unix_name;

    explicit address(std::string_view unix_path);
    static address read(std::string_view text, std::uint16_t port, const char*& problem);

    // A sockaddr_in or a sockaddr_in6, which are what programs hold by the thousand; the 110 bytes
    // of a unix path stand on the heap, so that an address is 40 bytes and a copy of an IP address
    // is a copy of 28.
    static constexpr std::size_t inet_size = 28;
    alignas(4) std::byte inet_[inet_size];
    unix_name* unix_ = nullptr;
};

}  // namespace green

template <>
struct std::hash<green::address> {
    std::size_t operator()(const green::address& a) const noexcept { return a.hash(); }
};
