#include <green/core/frame_pool.hpp>

#include "support/catch.hpp"

#include <cstring>
#include <thread>
#include <vector>

namespace {

using green::detail::frame_pool;

TEST_CASE("the frame pool gives a block of the same size class again", "[frame_pool]") {
    void* const first = frame_pool::allocate(100);
    std::memset(first, 1, 100);
    frame_pool::release(first, 100);
    void* const again = frame_pool::allocate(104);  // the same class
    std::memset(again, 2, 104);
#if !GREEN_ASAN
    REQUIRE(again == first);
    void* const other = frame_pool::allocate(105);
    REQUIRE(other != again);
    frame_pool::release(other, 105);
#endif
    frame_pool::release(again, 104);
    frame_pool::trim();
    REQUIRE(frame_pool::cached() == 0);
}

TEST_CASE("blocks above the largest class are not kept", "[frame_pool]") {
    frame_pool::trim();
    void* const big = frame_pool::allocate(frame_pool::max_size + 1);
    std::memset(big, 3, frame_pool::max_size + 1);
    frame_pool::release(big, frame_pool::max_size + 1);
    REQUIRE(frame_pool::cached() == 0);
    void* const largest = frame_pool::allocate(frame_pool::max_size);
    frame_pool::release(largest, frame_pool::max_size);
    REQUIRE(frame_pool::cached() == (GREEN_ASAN ? 0 : frame_pool::max_size));
    frame_pool::trim();
}

TEST_CASE("the frame pool is bounded", "[frame_pool]") {
    constexpr std::size_t size = 1024;
    constexpr std::size_t count = 2 * frame_pool::max_cached / size;
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks.push_back(frame_pool::allocate(size));
    for (void* b : blocks) frame_pool::release(b, size);
    REQUIRE(frame_pool::cached() <= frame_pool::max_cached);
    frame_pool::trim();
    REQUIRE(frame_pool::cached() == 0);
}

TEST_CASE("a block may be freed on another thread, and threads give all back", "[frame_pool]") {
    std::vector<void*> blocks;
    for (int i = 0; i < 100; ++i) blocks.push_back(frame_pool::allocate(64));
    std::size_t kept = 0;
    std::thread([&] {
        for (void* b : blocks) frame_pool::release(b, 64);
        kept = frame_pool::cached();
    }).join();  // LeakSanitizer and TSan watch the thread's end
    REQUIRE(kept == (GREEN_ASAN ? 0 : 100 * 72));
}

}  // namespace
