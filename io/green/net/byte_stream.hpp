#pragma once

#include <green/core/awaitable.hpp>
#include <green/net/chunk.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace green {

/// A stream of bytes in both directions: tcp_stream, unix_stream, tls_stream of one of them. What
/// tls_stream, buffered_reader and adapters are templated over.
///
/// `read_some` waits until there is at least one byte and gives how many have come, 0 at the end;
/// `write_all` has written all when it returns; `shutdown_write` ends the outgoing half; `close` ends
/// both. One reader and one writer at a time.
template <class S>
concept byte_stream = requires(S& s, std::span<std::byte> into, std::span<const std::byte> data) {
    { s.read_some(into) } -> awaitable;
    { s.write_all(data) } -> awaitable;
    { s.shutdown_write() } -> awaitable;
    { s.close() } -> awaitable;
    requires std::same_as<await_result_t<decltype(s.read_some(into))>, std::size_t>;
};

/// What lends its buffers: `read` waits until there is at least one byte and gives a chunk, an empty one
/// at the end. So no memory is held while it waits. All of green's streams do.
template <class S>
concept chunk_source = requires(S& s) {
    { s.read() } -> awaitable;
    requires std::same_as<await_result_t<decltype(s.read())>, chunk>;
};

}  // namespace green
