#include <green/executor/frame_channel.hpp>

#include "support/catch.hpp"

#include <green/executor/descriptor.hpp>

#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>

using namespace green::detail;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span<const char>(text));
}
std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Small, large, and just at the border between them.
std::vector<std::string> samples() {
    std::vector<std::string> out;
    for (std::size_t const size : {0U, 1U, 100U, 65535U, 65536U, 65537U, 3'000'000U, 5U}) {
        out.emplace_back(size, static_cast<char>('a' + size % 26));
    }
    return out;
}

/// On any thread, so without assertions: a frame that does not fit is not what was sent either.
std::vector<std::string> read_frames(int socket, std::size_t count) {
    std::vector<std::string> out;
    frame_reader reader;
    while (out.size() < count && reader.fill(socket, 0) == io_state::done) {
        while (auto f = reader.next()) {
            bool const fits = f->header.id == out.size() && f->header.size == f->payload.size();
            out.push_back(fits ? text_of(f->payload) : "a frame that does not fit");
        }
    }
    return out;
}

}  // namespace

TEST_CASE("frame_channel: frames of all sizes, without waiting", "[frame_channel]") {
    auto [mine, its] = socket_pair(SOCK_STREAM);
    std::vector<std::string> received;
    auto const sent = samples();
    frame_writer writer;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        auto owner = std::make_shared<std::string>(sent[i]);
        bool const lent = i % 2 == 0;
        auto const bytes = bytes_of(lent ? *owner : sent[i]);
        writer.push({.id = i, .kind = frame_kind::job}, bytes, lent ? owner : nullptr);
    }
    REQUIRE(writer.flush(mine.get()) == io_state::blocked);  // the socket is smaller than that
    std::thread reader([&] { received = read_frames(its.get(), sent.size()); });
    while (writer.flush(mine.get()) == io_state::blocked) std::this_thread::yield();
    reader.join();
    REQUIRE(writer.empty());
    REQUIRE(received == sent);
}

TEST_CASE("frame_channel: frames that are written one by one", "[frame_channel]") {
    auto [mine, its] = socket_pair(SOCK_STREAM);
    std::vector<std::string> received;
    auto const sent = samples();
    std::thread reader([&] { received = read_frames(its.get(), sent.size()); });
    for (std::size_t i = 0; i < sent.size(); ++i) {
        REQUIRE(write_frame(mine.get(), {.id = i}, bytes_of(sent[i])));
    }
    reader.join();
    REQUIRE(received == sent);
}

TEST_CASE("frame_channel: the other end is closed", "[frame_channel]") {
    auto [mine, its] = socket_pair(SOCK_STREAM);
    REQUIRE(write_frame(its.get(), {.id = 0}, bytes_of("last")));
    its.reset();
    frame_reader reader;
    REQUIRE(reader.fill(mine.get(), MSG_DONTWAIT) == io_state::done);
    REQUIRE(text_of(reader.next()->payload) == "last");
    REQUIRE(reader.fill(mine.get(), MSG_DONTWAIT) == io_state::broken);
    frame_writer writer;
    writer.push({.id = 1});
    REQUIRE(writer.flush(mine.get()) == io_state::broken);
    REQUIRE_FALSE(write_frame(mine.get(), {.id = 1}));
}

TEST_CASE("frame_channel: nothing is there yet", "[frame_channel]") {
    auto [mine, its] = socket_pair(SOCK_STREAM);
    frame_reader reader;
    REQUIRE(reader.fill(mine.get(), MSG_DONTWAIT) == io_state::blocked);
    // Half a header.
    frame_header const header;
    REQUIRE(::send(its.get(), &header, 10, 0) == 10);
    REQUIRE(reader.fill(mine.get(), MSG_DONTWAIT) == io_state::done);
    REQUIRE_FALSE(reader.next());
}
