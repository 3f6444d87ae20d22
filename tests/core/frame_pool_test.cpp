#include <green/core/frame_pool.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <cstring>
#include <future>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace {

using green::detail::frame_pool;

/// On a thread of its own, whose pool has nothing yet.
template <class F>
void with_a_new_pool(F f) {
    std::async(std::launch::async, f).get();
}

TEST_CASE("the frame pool gives a block of the same size class again", "[frame_pool]") {
    with_a_new_pool([] {
        void* const first = frame_pool::allocate(100);
        std::memset(first, 1, 100);
        frame_pool::release(first, 100);
        void* const again = frame_pool::allocate(112);  // the same class
        std::memset(again, 2, 112);
#if !GREEN_ASAN
        REQUIRE(again == first);
        void* const other = frame_pool::allocate(113);
        REQUIRE(other != again);
        frame_pool::release(other, 113);
#endif
        frame_pool::release(again, 112);
        frame_pool::trim();
        REQUIRE(frame_pool::cached() == 0);
    });
}

TEST_CASE("blocks above the largest class are not kept", "[frame_pool]") {
    with_a_new_pool([] {
        frame_pool::trim();
        void* const big = frame_pool::allocate(frame_pool::max_size + 1);
        std::memset(big, 3, frame_pool::max_size + 1);
        frame_pool::release(big, frame_pool::max_size + 1);
        REQUIRE(frame_pool::cached() == 0);
        void* const largest = frame_pool::allocate(frame_pool::max_size);
        frame_pool::release(largest, frame_pool::max_size);
        REQUIRE((frame_pool::cached() >= frame_pool::max_size) == !GREEN_ASAN);
        frame_pool::trim();
        REQUIRE(frame_pool::cached() == 0);
    });
}

TEST_CASE("the frame pool is bounded", "[frame_pool]") {
    with_a_new_pool([] {
        constexpr std::size_t size = 1024;
        constexpr std::size_t count = 2 * frame_pool::max_cached / size;
        constexpr std::size_t span = 64 << 10;
        std::vector<void*> blocks;
        for (std::size_t i = 0; i < count; ++i) blocks.push_back(frame_pool::allocate(size));
        for (void* b : blocks) frame_pool::release(b, size);
        REQUIRE(frame_pool::cached() <= frame_pool::max_cached + span);
        frame_pool::trim();
        REQUIRE(frame_pool::cached() == 0);
    });
}

TEST_CASE("blocks of all sizes come and go in any order, and overlap nowhere", "[frame_pool]") {
    with_a_new_pool([] {
        struct piece {
            unsigned char* memory;
            std::size_t size;
            unsigned char mark;
        };
        std::mt19937 random(5);
        std::vector<piece> pieces;
        for (int phase = 0; phase < 6; ++phase) {
            std::size_t const often = phase % 2 ? 1 : 7;  // grow, shrink, grow
            for (int step = 0; step < 30'000; ++step) {
                if (random() % 8 < often) {
                    std::size_t const size = 1 + random() % (random() % 4 ? 200 : 1200);
                    auto* const memory = static_cast<unsigned char*>(frame_pool::allocate(size));
                    REQUIRE(reinterpret_cast<std::uintptr_t>(memory) % 16 == 0);
                    auto const mark = static_cast<unsigned char>(random());
                    std::memset(memory, mark, size);
                    pieces.push_back({memory, size, mark});
                } else if (!pieces.empty()) {
                    std::swap(pieces[random() % pieces.size()], pieces.back());
                    piece const p = pieces.back();
                    pieces.pop_back();
                    bool intact = true;
                    for (std::size_t i = 0; i < p.size; ++i)
                        intact = intact && p.memory[i] == p.mark;
                    REQUIRE(intact);
                    frame_pool::release(p.memory, p.size);
                }
            }
            if (phase == 3) frame_pool::trim();  // with blocks in use
        }
        for (piece p : pieces) frame_pool::release(p.memory, p.size);
        frame_pool::trim();
        REQUIRE(frame_pool::cached() == 0);
    });
}

TEST_CASE("a block freed on another thread goes back to the one it came from", "[frame_pool]") {
    with_a_new_pool([] {
        frame_pool::trim();
        std::set<void*> blocks;
        for (int i = 0; i < 5000; ++i) blocks.insert(frame_pool::allocate(64));
        std::size_t kept = 1;
        std::thread([&] {
            for (void* b : blocks) frame_pool::release(b, 64);
            kept = frame_pool::cached();
        }).join();
        REQUIRE(kept == 0);
#if !GREEN_ASAN
        std::vector<void*> again;
        std::size_t known = 0;
        for (int i = 0; i < 5000; ++i) {
            again.push_back(frame_pool::allocate(64));
            known += blocks.count(again.back());
        }
        REQUIRE(known > 4800);  // the rest of the last span may come first
        for (void* b : again) frame_pool::release(b, 64);
#endif
        frame_pool::trim();
        REQUIRE(frame_pool::cached() == 0);
    });
}

TEST_CASE("a block may outlive its thread", "[frame_pool]") {
    std::vector<void*> blocks;
    struct late {
        ~late() { frame_pool::release(block, 64); }
        void* block;
    };
    std::thread([&] {
        static thread_local late first{nullptr};  // ends after the pool, which begins later
        for (int i = 0; i < 3000; ++i) blocks.push_back(frame_pool::allocate(80));
        first.block = frame_pool::allocate(64);
    }).join();
    std::thread([&] {
        for (int i = 0; i < 2000; ++i) frame_pool::release(blocks[static_cast<std::size_t>(i)], 80);
    }).join();
    for (std::size_t i = 2000; i < blocks.size(); ++i) {
        std::memset(blocks[i], 4, 80);
        frame_pool::release(blocks[i], 80);
    }
}

}  // namespace
