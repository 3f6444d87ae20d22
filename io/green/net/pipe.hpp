#pragma once

#include <green/net/descriptor_stream.hpp>
#include <green/net/owned_fd.hpp>

#include <utility>

namespace green {

/// The end of a pipe from which is read. What and how: descriptor_stream.
class pipe_reader : private descriptor_stream {
public:
    /// Takes over a pipe, or a terminal or the like: owned_fd(STDIN_FILENO). It does not block from
    /// now on, for all who share it. Throws std::system_error if it cannot be waited for, as a file
    /// cannot.
    static pipe_reader from_descriptor(owned_fd fd);

    using descriptor_stream::close;
    using descriptor_stream::is_open;
    using descriptor_stream::native_handle;
    using descriptor_stream::read;
    using descriptor_stream::read_exactly;
    using descriptor_stream::read_some;
    using descriptor_stream::read_until;
    using descriptor_stream::release;

private:
    using descriptor_stream::descriptor_stream;
};

/// The end of a pipe to which is written. What and how: descriptor_stream. When the other end is closed
/// a write throws disconnected_error (broken_pipe); there is no SIGPIPE.
class pipe_writer : private descriptor_stream {
public:
    /// As pipe_reader::from_descriptor.
    static pipe_writer from_descriptor(owned_fd fd);

    using descriptor_stream::close;
    using descriptor_stream::is_open;
    using descriptor_stream::native_handle;
    using descriptor_stream::release;
    using descriptor_stream::write_all;

private:
    using descriptor_stream::descriptor_stream;
};

/// The two ends of a pipe: for a child process, or between two loops. Within a loop a `channel` is
/// cheaper and keeps messages apart; in both directions goes `unix_stream::pair`.
///
///     auto p = pipe::open();
///     co_await p.writer.write_all("hello\n");
///     std::string const line = co_await p.reader.read_until("\n", 100);
struct pipe {
    /// Throws std::system_error when there are no descriptors.
    static pipe open();

    pipe_reader reader;
    pipe_writer writer;
};

}  // namespace green
