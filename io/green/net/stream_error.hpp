#pragma once

#include <green/core/config.hpp>

#include <string>
#include <system_error>

namespace green {

/// What can be wrong with a stream that is no error of the system.
enum class stream_errc {
    end_of_stream = 1,  ///< the peer has ended it where more bytes were demanded
    broken,  ///< a write was given up in the middle; nothing may be written after it
    delimiter_not_found,  ///< not within the limit of `read_until`
};

/// The category of `stream_errc`; its name is "green stream".
const std::error_category& stream_category() noexcept;
/// What makes a `stream_errc` an error_code, as the standard library asks for it.
std::error_code make_error_code(stream_errc e) noexcept;

/// The peer is gone: it has reset or closed the connection, or does not answer any more. `code()` says
/// which: std::errc::connection_reset, broken_pipe, timed_out, … A server catches this one and lets the
/// connection go. Model: ConnectionError of Python.
class disconnected_error : public std::system_error {
public:
    using std::system_error::system_error;
};

/// The peer has ended the stream where more bytes were demanded: by `read_exactly`, `read_until`.
/// Model: asyncio.IncompleteReadError.
class end_of_stream_error : public disconnected_error {
public:
    explicit end_of_stream_error(const std::string& what)
        : disconnected_error(make_error_code(stream_errc::end_of_stream), what) {}
};

/// An earlier write was cancelled, timed out or failed when some of its bytes had gone: what would be
/// written now would stand behind half a message. The stream can be read, and closed.
class broken_stream_error : public std::system_error {
public:
    explicit broken_stream_error(const std::string& what)
        : std::system_error(make_error_code(stream_errc::broken), what) {}
};

}  // namespace green

template <>
struct std::is_error_code_enum<green::stream_errc> : std::true_type {};
