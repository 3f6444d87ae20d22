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
    int room = 0;  // for so many more; 0 at first, too: see make_room
    bool closed = false;

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
    bool make_room() noexcept;
    void close() noexcept {
        while (top) ::operator delete(std::exchange(top, top->next));
        room = 0;
        closed = true;
    }
};

// Found without a call: this model is for what is there when the program starts, as the library is.
thread_local constinit spare_buffers spare __attribute__((tls_model("initial-exec")));

struct thread_end {
    ~thread_end() { spare.close(); }
    bool armed = false;
};
thread_local thread_end at_thread_end;

/// The first buffer of a thread that comes back: from now on they are kept, until the thread ends.
bool spare_buffers::make_room() noexcept {
    if (closed || most == 0 || at_thread_end.armed) return false;
    at_thread_end.armed = true;
    room = most;
    return true;
}

}  // namespace

std::byte* chunk::take_buffer() { return spare.take(); }

void chunk::give_back(std::byte* buffer) noexcept {
    if (spare.room > 0 || spare.make_room())
        spare.keep(buffer);
    else
        ::operator delete(buffer);
}

}  // namespace green
