#pragma once

// Internal: an engine of TLS and the stream below it. What a tls_stream has on the heap, so that it may
// move and go while tasks wait: their frames share it.

#include <green/core/task.hpp>
#include <green/net/byte_stream.hpp>
#include <green/net/chunk.hpp>
#include <green/net/const_buffer.hpp>
#include <green/net/detail/read_ahead.hpp>
#include <green/net/detail/tls_engine.hpp>
#include <green/net/stream_error.hpp>
#include <green/sync/mutex.hpp>
#include <green/tasks/timeout.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace green::detail {

inline constexpr const char* tls_read_from = "tls read from ";
inline constexpr const char* tls_write_to = "tls write to ";

/// The right to use one of the two directions, which one task may have at a time. It keeps alive what
/// the direction is a part of.
class [[nodiscard]] tls_turn {
public:
    /// Throws std::logic_error if another task has it.
    tls_turn(
        bool& in_use, const char* operation, const std::string& peer, std::shared_ptr<void> owner
    );
    ~tls_turn() { in_use_ = false; }
    tls_turn(const tls_turn&) = delete;
    tls_turn& operator=(const tls_turn&) = delete;

private:
    std::shared_ptr<void> owner_;
    bool& in_use_;
};

/// Bytes in somebody's memory that go before those read ahead, unless the memory has become full.
class unread_guard {
public:
    unread_guard(read_ahead& ahead, std::span<const std::byte> memory) noexcept
        : ahead_(ahead), memory_(memory) {}
    ~unread_guard();
    unread_guard(const unread_guard&) = delete;
    unread_guard& operator=(const unread_guard&) = delete;

    std::size_t size = 0;

private:
    read_ahead& ahead_;
    std::span<const std::byte> memory_;
};

[[noreturn]] void throw_tls_closed(const char* operation, const std::string& peer);
[[noreturn]] void throw_tls_shut(const std::string& peer);
[[noreturn]] void throw_tls_end(const std::string& peer, const std::string& wanted);
[[noreturn]] void throw_no_delimiter(const std::string& peer, std::size_t limit);
[[noreturn]] void throw_too_many_keys(const std::string& peer);

//   reader ─► read  ──┐            ┌── receive: one task at a time asks the stream below, for whoever
//                     ├─ engine ───┤            needs input; a writer may, amid a message of the peer's
//   writer ─► write ──┘            └── send: the writer's, who takes along what reading has put there
//
// A reader never sends, but for the alert of its own failure: the answer to a KeyUpdate has to go
// before the next data only (RFC 8446, 4.6.3). So a cancelled read leaves nothing half done. A peer that
// asks for new keys and never lets us write gets so many answers prepared, and then an error.
template <byte_stream Stream>
class tls_channel : public std::enable_shared_from_this<tls_channel<Stream>> {
public:
    tls_channel(Stream below, const tls_context& context, tls_peer peer)
        : stream_(std::move(below)), engine_(context, std::move(peer)) {}

    Stream& stream() noexcept { return stream_; }
    /// Closes the stream below, by its destructor. Who waits for it may still refer to this.
    void drop() noexcept {
        closed_ = true;
        Stream const gone = std::move(stream_);
    }
    const tls_engine& engine() const noexcept { return engine_; }

    task<> handshake();
    /// 0 at the end.
    task<std::size_t> read_some(std::span<std::byte> into);
    /// Empty at the end.
    task<chunk> read();
    task<> read_exactly(std::span<std::byte> into);
    task<std::string> read_until(std::string_view delimiter, std::size_t limit);
    task<> write_all(std::span<const const_buffer> list);
    task<> shutdown_write();
    task<> close();

private:
    /// How long a last word may take that is no answer to anybody.
    static constexpr std::chrono::seconds farewell_limit{1};
    /// Bytes that are encrypted before they are sent: four records.
    static constexpr std::size_t batch = std::size_t{64} << 10;

    tls_progress take(std::span<std::byte> into);
    task<std::size_t> some(std::span<std::byte> into);
    task<chunk> some_chunk();
    task<> receive(std::uint64_t seen);
    task<> encrypt(std::span<const std::byte> data);
    task<> send();
    task<> say_farewell();
    tls_turn take_turn(bool& in_use, const char* operation);
    void require_whole() const;

    Stream stream_;
    tls_engine engine_;
    chunk input_;  // what the engine has been fed
    std::uint64_t received_ = 0;  // counts what the engine has been fed
    mutex receiving_;
    bool reading_ = false;
    bool writing_ = false;
    read_ahead ahead_;
    bool broken_ = false;  // a write has ended in its middle, or has not ended yet
    bool shut_ = false;
    bool closed_ = false;
};

// --- the handshake

template <byte_stream Stream>
task<> tls_channel<Stream>::handshake() {
    for (;;) {
        std::uint64_t const seen = received_;
        tls_status const status = engine_.handshake();
        if (status == tls_status::failed) {
            co_await say_farewell();
            engine_.throw_failure();
        }
        co_await send();
        if (status == tls_status::done) co_return;
        co_await receive(seen);
    }
}

// --- reading

/// What the engine can give without waiting: many records, as far as they fit.
template <byte_stream Stream>
tls_progress tls_channel<Stream>::take(std::span<std::byte> into) {
    tls_progress last;
    std::size_t size = 0;
    while (size < into.size() && last.status == tls_status::done) {
        last = engine_.read(into.subspan(size));
        size += last.size;
    }
    if (!engine_.has_input()) input_.reset();
    // What has ended or failed after that does so again.
    return size > 0 ? tls_progress{tls_status::done, size} : last;
}

template <byte_stream Stream>
task<std::size_t> tls_channel<Stream>::some(std::span<std::byte> into) {
    for (;;) {
        std::uint64_t const seen = received_;
        tls_progress const taken = take(into);
        switch (taken.status) {
        case tls_status::done: co_return taken.size;
        case tls_status::ended: co_return std::size_t{0};
        case tls_status::failed: break;
        case tls_status::needs_input: co_await receive(seen); continue;
        }
        co_await say_farewell();
        engine_.throw_failure();
    }
}

/// The same into a buffer of which there is none while it waits.
template <byte_stream Stream>
task<chunk> tls_channel<Stream>::some_chunk() {
    for (;;) {
        std::uint64_t const seen = received_;
        chunk buffer = chunk::lease();
        tls_progress const taken = take(buffer);
        buffer.truncate(taken.size);
        if (taken.status == tls_status::done) co_return buffer;
        buffer.reset();
        if (taken.status == tls_status::ended) co_return buffer;
        if (taken.status == tls_status::failed) break;
        co_await receive(seen);
    }
    co_await say_farewell();
    engine_.throw_failure();
}

/// Feeds the engine, unless somebody has done so since `seen`.
template <byte_stream Stream>
task<> tls_channel<Stream>::receive(std::uint64_t seen) {
    auto const turn = co_await receiving_.lock();
    if (received_ != seen) co_return;
    if (engine_.output_size() > batch) throw_too_many_keys(engine_.label());
    if constexpr (chunk_source<Stream>) {
        input_ = co_await stream_.read();
    } else {
        chunk buffer = chunk::lease();
        std::size_t const size = co_await stream_.read_some(buffer);
        buffer.truncate(size);
        input_ = std::move(buffer);
    }
    if (input_.empty())
        engine_.feed_end();
    else
        engine_.feed(input_);
    ++received_;
}

template <byte_stream Stream>
task<std::size_t> tls_channel<Stream>::read_some(std::span<std::byte> into) {
    tls_turn const turn = take_turn(reading_, tls_read_from);
    if (into.empty()) co_return 0;
    if (!ahead_.empty()) co_return ahead_.take(into);
    co_return co_await some(into);
}

template <byte_stream Stream>
task<chunk> tls_channel<Stream>::read() {
    tls_turn const turn = take_turn(reading_, tls_read_from);
    if (ahead_.empty()) co_return co_await some_chunk();
    chunk buffer = chunk::lease();
    buffer.truncate(ahead_.take(buffer));
    co_return buffer;
}

template <byte_stream Stream>
task<> tls_channel<Stream>::read_exactly(std::span<std::byte> into) {
    tls_turn const turn = take_turn(reading_, tls_read_from);
    unread_guard got(ahead_, into);
    got.size = ahead_.take(into);
    while (got.size < into.size()) {
        std::size_t const more = co_await some(into.subspan(got.size));
        got.size += more;
        if (more > 0) continue;
        throw_tls_end(
            engine_.label(),
            ", after " + std::to_string(got.size) + " of " + std::to_string(into.size()) + " bytes"
        );
    }
}

template <byte_stream Stream>
task<std::string> tls_channel<Stream>::read_until(std::string_view delimiter, std::size_t limit) {
    tls_turn const turn = take_turn(reading_, tls_read_from);
    if (delimiter.empty()) throw std::invalid_argument("green: read_until: an empty delimiter");
    delimiter_search search;
    for (;;) {
        std::size_t const size = search.find(ahead_.view(), delimiter, limit);
        if (size != delimiter_search::not_found) co_return ahead_.take(size);
        if (ahead_.size() >= limit) break;
        chunk const more = co_await some_chunk();
        if (more.empty()) throw_tls_end(engine_.label(), ", before the delimiter");
        ahead_.append(more.view());
    }
    throw_no_delimiter(engine_.label(), limit);
}

// --- writing

template <byte_stream Stream>
tls_turn tls_channel<Stream>::take_turn(bool& in_use, const char* operation) {
    if (closed_) throw_tls_closed(operation, engine_.label());
    return tls_turn(in_use, operation, engine_.label(), this->shared_from_this());
}

template <byte_stream Stream>
void tls_channel<Stream>::require_whole() const {
    if (broken_) throw broken_stream_error(tls_write_to + engine_.label());
}

template <byte_stream Stream>
task<> tls_channel<Stream>::encrypt(std::span<const std::byte> data) {
    for (;;) {
        std::uint64_t const seen = received_;
        tls_progress const progress = engine_.write(data);
        if (progress.status == tls_status::done) co_return;
        if (progress.status != tls_status::needs_input) break;
        co_await send();
        co_await receive(seen);
    }
    broken_ = true;
    engine_.throw_failure();
}

/// What is to be sent, until there is no more of it: reading may add some meanwhile.
template <byte_stream Stream>
task<> tls_channel<Stream>::send() {
    bool const broken = std::exchange(broken_, true);
    while (engine_.output_size() > 0) {
        std::vector<std::byte> const output = engine_.take_output();
        co_await stream_.write_all(std::span(output));
    }
    broken_ = broken;
}

template <byte_stream Stream>
task<> tls_channel<Stream>::write_all(std::span<const const_buffer> list) {
    tls_turn const turn = take_turn(writing_, tls_write_to);
    require_whole();
    if (shut_) throw_tls_shut(engine_.label());
    for (const const_buffer& buffer : list) {
        std::span<const std::byte> rest(buffer.data(), buffer.size());
        while (!rest.empty()) {
            auto const next = rest.first(std::min(rest.size(), batch));
            broken_ = true;  // until all of it has gone
            co_await encrypt(next);
            rest = rest.subspan(next.size());
            if (engine_.output_size() >= batch) co_await send();
        }
    }
    co_await send();
    broken_ = false;
}

/// A last word: an alert, or close_notify. Nobody waits for it long, and that it fails is no news.
template <byte_stream Stream>
task<> tls_channel<Stream>::say_farewell() {
    if (writing_ || broken_) co_return;  // the writer takes it along, or nobody can
    tls_turn const turn = take_turn(writing_, tls_write_to);
    try {
        co_await move_on_after(farewell_limit, send());
    } catch (const std::exception&) {
        co_return;  // nobody hears it
    }
}

template <byte_stream Stream>
task<> tls_channel<Stream>::shutdown_write() {
    tls_turn const turn = take_turn(writing_, tls_write_to);
    require_whole();
    shut_ = true;
    engine_.close_notify();
    co_await send();
    co_await stream_.shutdown_write();
}

template <byte_stream Stream>
task<> tls_channel<Stream>::close() {
    if (closed_) co_return;
    auto const self = this->shared_from_this();
    if (!writing_ && !broken_) {
        shut_ = true;
        engine_.close_notify();
        co_await say_farewell();
    }
    closed_ = true;
    co_await stream_.close();
}

}  // namespace green::detail
