#include <green/core/frame_pool.hpp>

namespace green::detail {

thread_local constinit frame_pool::lists frame_pool::lists_{};

/// Runs at thread exit. Blocks that die later (in destructors of other thread-locals) go straight
/// back to the system, because the limit is then 0 and `ended` is set.
struct frame_pool_cleaner {
    ~frame_pool_cleaner() {
        frame_pool::trim();
        frame_pool::lists_.limit = 0;
        frame_pool::lists_.ended = true;
    }
};

void frame_pool::release_first(void* p, std::size_t size) noexcept {
    if (lists_.ended) {
        ::operator delete(p);
        return;
    }
    static thread_local frame_pool_cleaner cleaner;
    (void)cleaner;
    lists_.limit = max_cached;
    release(p, size);
}

void frame_pool::trim() noexcept {
    for (block*& head : lists_.free) {
        while (block* b = head) {
            head = b->next;
            ::operator delete(b);
        }
    }
    lists_.cached = 0;
}

} // namespace green::detail
