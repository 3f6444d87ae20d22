#include <green/executor/stop_watcher.hpp>

#include "support/catch.hpp"

#include <green/executor/descriptor.hpp>

#include <chrono>
#include <stop_token>
#include <thread>

#include <sys/socket.h>

using namespace green::detail;

TEST_CASE("stop_watcher: a cancel that comes in two parts", "[stop_watcher]") {
    // A watcher lives as long as its process.
    static auto& ends = *new auto(socket_pair(SOCK_STREAM));
    static auto& watcher = *new stop_watcher(ends.second.get());
    int const application = ends.first.get();
    constexpr std::size_t part = 10;
    frame_header const cancel{.id = 5, .kind = frame_kind::cancel};
    const auto* const bytes = reinterpret_cast<const char*>(&cancel);
    std::size_t const rest = sizeof cancel - part;
    frame_reader in;

    // The first has come before the job begins.
    REQUIRE(::send(application, bytes, part, 0) == part);
    REQUIRE(in.fill(ends.second.get(), 0) == io_state::done);
    REQUIRE_FALSE(in.next());
    std::stop_source stop;
    watcher.begin(5, stop, in);
    REQUIRE(::send(application, bytes + part, rest, 0) == static_cast<ssize_t>(rest));
    while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::microseconds(200));
    REQUIRE(watcher.end(in));
    REQUIRE_FALSE(in.next());

    // The second comes when it is over.
    watcher.begin(6, stop, in);
    REQUIRE(::send(application, bytes, part, 0) == part);
    REQUIRE(watcher.end(in));
    REQUIRE(::send(application, bytes + part, rest, 0) == static_cast<ssize_t>(rest));
    std::optional<frame> late;
    while (!(late = in.next())) REQUIRE(in.fill(ends.second.get(), 0) == io_state::done);
    REQUIRE(late->header.id == 5);
    REQUIRE(late->header.kind == frame_kind::cancel);
}
