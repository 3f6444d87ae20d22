#include <green/net/buffered_reader.hpp>

#include "net/streams.hpp"
#include "support/random.hpp"

#include <green/net/unix_stream.hpp>
#include <green/tasks/as_result.hpp>

#include <string>
#include <vector>

using namespace green;
using namespace green_test;

namespace {

/// Gives a text in pieces of the sizes that it is told.
class pieces {
public:
    pieces(std::string text, std::vector<std::size_t> sizes)
        : text_(std::move(text)), sizes_(std::move(sizes)) {}

    task<chunk> read() {
        if (at_ == text_.size()) co_return chunk();
        std::size_t const wanted = sizes_.empty() ? 1 : sizes_[turn_++ % sizes_.size()];
        std::string_view const piece = std::string_view(text_).substr(at_, wanted);
        at_ += piece.size();
        chunk c = chunk::lease();
        std::copy(piece.begin(), piece.end(), reinterpret_cast<char*>(c.data()));
        c.truncate(piece.size());
        co_await yield();
        co_return c;
    }

private:
    std::string text_;
    std::vector<std::size_t> sizes_;
    std::size_t at_ = 0;
    std::size_t turn_ = 0;
};

task<std::vector<std::string>> all_lines(pieces& source) {
    buffered_reader in(source);
    std::vector<std::string> got;
    auto lines = in.lines();
    for (;;) {
        auto line = co_await lines.next();
        if (!line) co_return got;
        got.push_back(std::move(*line));
    }
}

}  // namespace

GREEN_TEST(
    "buffered reader: lines with either end, empty ones, and a last one without", "[reader]"
) {
    for (std::size_t size : {1, 2, 3, 5, 100}) {
        pieces source("one\r\n\ntwo\n\r\nlast", {size});
        std::vector<std::string> const got = co_await all_lines(source);
        REQUIRE(got == std::vector<std::string>{"one", "", "two", "", "last"});
    }
    pieces nothing("", {});
    std::vector<std::string> const none = co_await all_lines(nothing);
    REQUIRE(none.empty());
}

GREEN_TEST("buffered reader: bytes, exact counts and delimiters in turn", "[reader]") {
    pieces source("head: 5\r\n\r\nhellotail", {4});
    buffered_reader in(source);
    std::string const head = co_await in.read_until("\r\n\r\n", 100);
    REQUIRE(head == "head: 5\r\n\r\n");
    std::string body(5, '\0');
    co_await in.read_exactly(bytes(body));
    REQUIRE(body == "hello");
    memory m;
    std::size_t const n = co_await in.read_some(m);
    REQUIRE(text(std::span(m).first(n)) == std::string("tail").substr(0, n));
    std::string const error = co_await error_of_wait<end_of_stream_error>(in.read_exactly(m));
    REQUIRE(error == "read exactly: end of stream");
    std::string const rest = co_await error_of_wait<end_of_stream_error>(in.read_until("x", 100));
    REQUIRE(rest == "read until a delimiter: end of stream");
    std::string const empty = co_await error_of_wait<std::invalid_argument>(in.read_until("", 100));
    REQUIRE(empty == "green: read_until: an empty delimiter");
}

GREEN_TEST("buffered reader: a line that is too long, and one that is cancelled", "[reader]") {
    auto [a, b] = unix_stream::pair();
    buffered_reader in(b);
    co_await a.write_all("0123456789");
    auto const early = co_await move_on_after(10ms, in.read_line());
    REQUIRE_FALSE(early.has_value());
    std::string const error = co_await error_of_wait<std::system_error>(in.read_line(10));
    REQUIRE(error == "read 10 bytes: no delimiter within the limit");
    co_await a.write_all("\nnext\n");
    auto const line = co_await in.read_line();
    REQUIRE(line == "0123456789");
    auto const next = co_await in.read_line();
    REQUIRE(next == "next");
}

GREEN_TEST("buffered reader: the same lines however they are cut", "[reader]") {
    random_source random(1);
    for (int round = 0; round < 50; ++round) {
        std::string text;
        std::vector<std::string> expected;
        for (int i = random.below(30); i > 0; --i) {
            std::string line(static_cast<std::size_t>(random.below(40)), 'a');
            for (char& c : line) c = static_cast<char>('a' + random.below(26));
            text += line + (random.one_in(2) ? "\n" : "\r\n");
            expected.push_back(std::move(line));
        }
        std::vector<std::size_t> sizes;
        for (int i = 0; i < 7; ++i) sizes.push_back(static_cast<std::size_t>(1 + random.below(50)));
        pieces source(text, sizes);
        std::vector<std::string> const got = co_await all_lines(source);
        REQUIRE(got == expected);
    }
}
