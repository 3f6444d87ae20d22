#pragma once

#include <green/core/task.hpp>
#include <green/net/byte_stream.hpp>
#include <green/net/detail/read_ahead.hpp>
#include <green/net/stream_error.hpp>
#include <green/tasks/stream.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace green {

/// Lines, and what else is delimited or counted, out of a stream: a tcp_stream, a tls_stream, the end of
/// a pipe. It reads ahead, so from now on all reading goes through it; writing goes to the stream.
/// It holds what was read and not yet taken, and nothing while there is nothing.
///
///     buffered_reader in(connection);
///     auto lines = in.lines();
///     while (auto line = co_await lines.next()) co_await connection.write_all(*line + "\n");
///
/// The stream must outlive it. One task may use it at a time. Its errors are those of the stream,
/// end_of_stream_error, and std::system_error with stream_errc::delimiter_not_found.
/// **cancel:** of every operation total: what had come is what the next one gets.
/// Models: BufReader of Rust, the text streams of Python.
template <chunk_source Stream>
class buffered_reader {
public:
    static constexpr std::size_t default_limit = std::size_t{64} << 10;  ///< bytes of a line

    explicit buffered_reader(Stream& stream) noexcept : stream_(&stream) {}

    /// What there is, at least one byte, copied into the caller's memory; 0 at the end.
    task<std::size_t> read_some(std::span<std::byte> into) {
        if (ahead_.empty() && !into.empty()) co_await read_more();
        co_return ahead_.take(into);
    }

    /// Fills all of the caller's memory. An end before that is an end_of_stream_error. For large blocks
    /// the stream's own `read_exactly` is the better one: here the bytes are held until all are there.
    task<> read_exactly(std::span<std::byte> into) {
        // Not in the caller's memory: then a cancel would have to put them back, and could fail.
        while (ahead_.size() < into.size()) {
            bool const more = co_await read_more();
            if (!more) throw end_of_stream_error("read exactly");
        }
        ahead_.take(into);
    }

    /// All up to and with the delimiter, at most `limit` bytes. Throws std::invalid_argument if it is
    /// empty.
    task<std::string> read_until(std::string delimiter, std::size_t limit) {
        if (delimiter.empty()) throw std::invalid_argument("green: read_until: an empty delimiter");
        std::optional<std::string> found = co_await take_until(delimiter, limit);
        if (!found) throw end_of_stream_error("read until a delimiter");
        co_return std::move(*found);
    }

    /// The next line without its end, which is "\n" or "\r\n", at most `limit` bytes with it. The last one
    /// need not have an end. Nothing at the end of the stream.
    task<std::optional<std::string>> read_line(std::size_t limit = default_limit) {
        std::optional<std::string> line = co_await take_until("\n", limit);
        if (!line) {
            if (ahead_.empty()) co_return std::nullopt;
            line = ahead_.take(ahead_.size());
        }
        if (line->ends_with('\n')) line->pop_back();
        if (line->ends_with('\r')) line->pop_back();
        co_return line;
    }

    /// All lines from here on, as `read_line` gives them. The reader must outlive what is returned.
    green::stream<std::string> lines(std::size_t limit = default_limit) {
        for (;;) {
            std::optional<std::string> line = co_await read_line(limit);
            if (!line) co_return;
            co_yield std::move(*line);
        }
    }

private:
    /// False at the end.
    task<bool> read_more() {
        chunk const c = co_await stream_->read();
        ahead_.append(c.view());
        co_return !c.empty();
    }

    /// Nothing if the end comes first.
    task<std::optional<std::string>> take_until(std::string_view delimiter, std::size_t limit) {
        detail::delimiter_search search;
        for (;;) {
            std::size_t const size = search.find(ahead_.view(), delimiter, limit);
            if (size != detail::delimiter_search::not_found) co_return ahead_.take(size);
            if (ahead_.size() >= limit) {
                throw std::system_error(
                    make_error_code(stream_errc::delimiter_not_found),
                    "read " + std::to_string(limit) + " bytes"
                );
            }
            bool const more = co_await read_more();
            if (!more) co_return std::nullopt;
        }
    }

    Stream* stream_;
    detail::read_ahead ahead_;
};

}  // namespace green
