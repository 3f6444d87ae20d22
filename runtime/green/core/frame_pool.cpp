#include <green/core/frame_pool.hpp>

namespace green::detail {

thread_local constinit frame_pool::lists frame_pool::lists_{};

/// Runs at thread exit. Blocks that die later (in destructors of other thread-locals) go straight
/// back to the system, because there is no room then and `ended` is set.
struct frame_pool_cleaner {
    ~frame_pool_cleaner() {
        frame_pool::trim();
        frame_pool::lists_.room = 0;
        frame_pool::lists_.open = false;
        frame_pool::lists_.ended = true;
    }
};

void frame_pool::release_uncached(void* p, std::size_t size) noexcept {
    if (lists_.open || lists_.ended) {
        ::operator delete(p);
        return;
    }
    static thread_local frame_pool_cleaner cleaner;
    (void)cleaner;
    lists_.room = static_cast<std::ptrdiff_t>(max_cached);
    lists_.open = true;
    release(p, size);
}

void frame_pool::trim() noexcept {
    for (block*& head : lists_.free) {
        while (block* b = head) {
            head = b->next;
            ::operator delete(b);
        }
    }
    lists_.room = lists_.open ? static_cast<std::ptrdiff_t>(max_cached) : 0;
}

}  // namespace green::detail
