#pragma once

// Internal: where OpenSSL reads ciphertext from and writes it to, instead of a socket.

#include <green/net/detail/openssl.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace green::detail {

struct tls_buffers {
    std::span<const std::byte> input;  // somebody else's memory
    bool input_ended = false;
    std::vector<std::byte> output;
};

/// Both directions. The buffers have to outlive it.
openssl_ptr<BIO> make_bio(tls_buffers& buffers);

}  // namespace green::detail
