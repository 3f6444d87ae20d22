#include <green/net/pipe.hpp>

#include "net/streams.hpp"

#include <green/core/errors.hpp>
#include <green/tasks/as_result.hpp>

#include <string>

#include <fcntl.h>
#include <unistd.h>

using namespace green;
using namespace green_test;

namespace {

task<> write_and_close(pipe_writer& w, const std::string& text) {
    co_await w.write_all(text);
    w.close();
}

}  // namespace

GREEN_TEST_REAL_CLOCK("pipe: what goes in comes out, more than it holds", "[pipe]") {
    auto p = pipe::open();
    std::string const sent = pattern(1 << 20);
    auto const writer = spawn(write_and_close(p.writer, sent));
    std::string const got = co_await read_all(p.reader);
    co_await writer;
    REQUIRE((got == sent));
}

GREEN_TEST("pipe: a reader waits, is cancelled, and loses nothing", "[pipe]") {
    auto p = pipe::open();
    std::string room(8, '\0');
    auto const none = co_await move_on_after(10ms, p.reader.read_some(bytes(room)));
    REQUIRE_FALSE(none.has_value());
    co_await p.writer.write_all("half");
    bool const all = co_await move_on_after(10ms, p.reader.read_exactly(bytes(room)));
    REQUIRE_FALSE(all);
    co_await p.writer.write_all("half\n");
    std::string const line = co_await p.reader.read_until("\n", 100);
    REQUIRE(line == "halfhalf\n");
}

GREEN_TEST("pipe: without a reader a write is an error, not a signal", "[pipe]") {
    auto p = pipe::open();
    std::string const much(1 << 20, 'x');
    auto const writer = spawn(error_of_wait<disconnected_error>(write_and_close(p.writer, much)));
    co_await settle();
    REQUIRE_FALSE(writer.done());
    p.reader.close();
    std::string const error = co_await writer;
    REQUIRE(error == "write pipe: Broken pipe");
    std::string const closed = co_await error_of_wait<closed_error>(p.reader.read());
    REQUIRE(closed == "read: it is closed");
}

GREEN_TEST("pipe: a cancelled write, and the end of a run", "[pipe]") {
    auto p = pipe::open();
    std::string const much(1 << 20, 'x');
    bool const done = co_await move_on_after(10ms, p.writer.write_all(much));
    REQUIRE_FALSE(done);
    std::string const error = co_await error_of_wait<broken_stream_error>(p.writer.write_all("y"));
    REQUIRE(error == "write pipe: broken by a write that was given up in the middle");
    auto const kept = std::make_shared<green::pipe>(pipe::open());
    auto const read = [](std::shared_ptr<green::pipe> q) -> task<> { co_await q->reader.read(); };
    spawn(read, kept);
    co_await yield();
}

GREEN_TEST("pipe: what cannot be waited for is refused", "[pipe]") {
    REQUIRE(error_of<std::system_error>([] {
                pipe_reader::from_descriptor(owned_fd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
                ));
            }) == "open pipe: Operation not permitted");
    REQUIRE(error_of<std::system_error>([] {
                pipe_writer::from_descriptor(owned_fd());
            }) == "take over pipe: Bad file descriptor");
    co_return;
}
