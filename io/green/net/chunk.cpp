#include <green/net/chunk.hpp>

#include <new>

namespace green {
namespace {

/// The buffers that came back to a thread, linked through themselves. No constructor and no destructor:
/// a chunk may be older than what cleans up, and younger.
struct spare_buffers {
    struct link {
        link* next;
    };
    static constexpr int most = GREEN_ASAN ? 0
                                           : 64;  // so that the sanitizer sees a use after the end

    link* top = nullptr;
    int room = most;

    std::byte* take() {
        if (!top) return static_cast<std::byte*>(::operator new(chunk::capacity));
        link* const taken = std::exchange(top, top->next);
        ++room;
        return reinterpret_cast<std::byte*>(taken);
    }
    void keep(std::byte* buffer) noexcept {
        --room;
        top = ::new (buffer) link{top};
    }
    void close() noexcept {
        while (top) ::operator delete(std::exchange(top, top->next));
        room = 0;
    }
};

thread_local constinit spare_buffers spare;

struct thread_end {
    ~thread_end() { spare.close(); }
    /// Makes sure that it is there.
    void arm() noexcept {}
};
thread_local thread_end at_thread_end;

}  // namespace

chunk chunk::lease() { return chunk(spare.take()); }

void chunk::give_back() noexcept {
    if (!buffer_) return;
    if (spare.room == 0) {
        ::operator delete(buffer_);
        return;
    }
    at_thread_end.arm();
    spare.keep(buffer_);
}

}  // namespace green
