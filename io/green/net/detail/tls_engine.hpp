#pragma once

// Internal: TLS without a socket. What moves the bytes is a tls_stream.

#include <green/net/tls_context.hpp>
#include <green/net/tls_info.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace green::detail {

//      plain text                tls_engine              ciphertext
//     write ───────────────►  ┌──────────────┐ ──► take_output()  to be sent by the owner
//     read  ◄───────────────  │   OpenSSL    │ ◄── feed()         what the owner has received
//                             └──────────────┘
//
// Nothing here waits. What cannot go on without the peer says `needs_input`; whatever any call leaves
// as output is to be sent, also after one that has failed: it may hold the alert.

class tls_engine_state;

enum class tls_status : std::uint8_t { done, needs_input, ended, failed };

struct tls_progress {
    tls_status status = tls_status::done;
    std::size_t size = 0;  // bytes of plain text that have moved
};

/// The peer, and how it is called in errors and in the cache of sessions.
struct tls_peer {
    std::string host;  ///< to be verified and asked for; of a client
    std::string label;  ///< for errors; empty: the host
    std::string session_key;  ///< empty: the host
};

class tls_engine {
public:
    /// A client or a server, as the context is. Throws tls_error if the context or the host cannot
    /// be used.
    tls_engine(const tls_context& context, tls_peer peer);
    ~tls_engine();
    tls_engine(const tls_engine&) = delete;
    tls_engine& operator=(const tls_engine&) = delete;

    tls_status handshake();
    /// `ended`: close_notify has come. `into` has room for something.
    tls_progress read(std::span<std::byte> into);
    /// All of it, unless it `needs_input` first. `data` is not empty.
    tls_progress write(std::span<const std::byte> data);
    /// Says that no more will be written; nothing if it was said, or the connection has failed.
    void close_notify();

    /// Ciphertext that has arrived. It has to stay until has_input() is false.
    void feed(std::span<const std::byte> ciphertext) noexcept;
    bool has_input() const noexcept;
    /// No more will arrive.
    void feed_end() noexcept;

    /// Ciphertext that is to be sent, and has not been taken yet.
    std::size_t output_size() const noexcept;
    std::vector<std::byte> take_output() noexcept;

    /// After `failed`: why. Whatever is called later fails too.
    [[noreturn]] void throw_failure() const;

    /// The peer as it is called in errors.
    const std::string& label() const noexcept;
    tls_info info() const;

private:
    std::unique_ptr<tls_engine_state> state_;
};

}  // namespace green::detail
