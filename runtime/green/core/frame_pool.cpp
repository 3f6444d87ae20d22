#include <green/core/frame_pool.hpp>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

#include <sys/mman.h>

namespace green::detail {
namespace {

/// So many bytes are mapped at once, which saves calls of the kernel. Untouched they cost nothing.
constexpr std::size_t region_size = std::size_t{1} << 20;
/// A thread that has so much already gets larger regions, of huge pages where the system has them: most
/// of the time of a million new tasks is in page faults.
constexpr std::size_t much = std::size_t{8} << 20;
constexpr std::size_t large_region_size = std::size_t{4} << 20;
constexpr std::size_t huge_page_size = std::size_t{2} << 20;
/// So many are carved at once: a new page is touched only when it is needed.
constexpr std::size_t carve_size = 4096;

/// Guards what threads do to each other's spans, which is rare. Threads may end late: libstdc++'s mutex
/// has no destructor.
constinit std::mutex foreign;

void unmap(void* begin, std::size_t size) noexcept {
    if (size > 0) munmap(begin, size);
}

/// `size` bytes at a multiple of `alignment`; both are multiples of a page.
char* map(std::size_t size, std::size_t alignment) {
    void* const got =
        mmap(nullptr, size + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) throw std::bad_alloc();
    char* const begin = static_cast<char*>(got);
    std::size_t const before = -reinterpret_cast<std::uintptr_t>(begin) % alignment;
    unmap(begin, before);
    unmap(begin + before + size, alignment - before);
    return begin + before;
}

}  // namespace

thread_local constinit frame_pool::heap frame_pool::heap_{};

/// The header of a span.
struct alignas(64) frame_pool::span {
    span(heap* of, std::size_t c) noexcept
        : owner(of), size_class(static_cast<std::uint32_t>(c)), uncarved(capacity()) {}

    std::size_t bytes() const noexcept { return size_class * step; }
    std::uint32_t capacity() const noexcept {
        return static_cast<std::uint32_t>((span_size - sizeof(span)) / bytes());
    }
    block* carve() noexcept {
        char* const place = reinterpret_cast<char*>(this) + span_size - uncarved-- * bytes();
        ++used;
        return ::new (static_cast<void*>(place)) block{};
    }

    std::atomic<heap*> owner;  // null when its thread has ended
    block* free = nullptr;  // of the present span in heap::free instead
    std::uint32_t size_class;
    std::uint32_t uncarved;  // blocks that do not exist yet
    std::uint32_t used = 0;  // blocks; of the present span and of exhausted ones all that exist
    span* next = nullptr;  // in the list of partly free or of empty spans
    span* previous = nullptr;
    span* next_of_all = nullptr;
    span* previous_of_all = nullptr;
};

namespace {

/// Doubly-linked lists through two members of S.
template <class S>
void link(S*& head, S& s, S* S::* next, S* S::* previous) noexcept {
    s.*next = head;
    s.*previous = nullptr;
    if (head) head->*previous = &s;
    head = &s;
}
template <class S>
void unlink(S*& head, S& s, S* S::* next, S* S::* previous) noexcept {
    (s.*previous ? s.*previous->*next : head) = s.*next;
    if (s.*next) s.*next->*previous = s.*previous;
}

}  // namespace

/// Runs at thread exit. Blocks may still come and go after it, in destructors of other thread-locals.
struct frame_pool::cleaner {
    ~cleaner() {
        trim();
        heap& h = heap_;
        std::lock_guard const lock(foreign);
        for (block* b = h.returned.exchange(nullptr); b; b = b->next) --span_of(b)->used;
        // The spans that are left belong to nobody; who frees the last block frees the span.
        for (span* s = h.all; s;) {
            span* const next = s->next_of_all;
            s->owner.store(nullptr, std::memory_order_relaxed);
            if (s->used == 0) unmap(s, span_size);
            s = next;
        }
        unmap(h.unused, static_cast<std::size_t>(h.unused_end - h.unused));
        h.all = nullptr;
        std::fill(std::begin(h.partly_free), std::end(h.partly_free), nullptr);
        h.open = false;
        h.ended = true;
    }
};

void frame_pool::open() {
    static thread_local cleaner registered;
    (void)registered;
    heap_.open = true;
}

/// A block, although the present span has none.
void* frame_pool::refill(std::size_t c) {
    heap& h = heap_;
    if (!h.open) {
        if (h.ended) {  // a span for this block alone
            return (::new (static_cast<void*>(map(span_size, span_size))) span(nullptr, c))
                ->carve();
        }
        open();
    }
    if (h.returned.load(std::memory_order_relaxed)) {
        take_returned();
        if (h.free[c]) return allocate(c * step);
    }
    span* s = h.present[c];
    if (!s || s->uncarved == 0) {
        s = h.partly_free[c];
        if (s) {
            unlink(h.partly_free[c], *s, &span::next, &span::previous);
        } else {
            s = new_span(c);
        }
        h.present[c] = s;
    }
    if (s->free) {
        s->used = s->capacity() - s->uncarved;
        h.free[c] = std::exchange(s->free, nullptr);
        return allocate(c * step);
    }
    block* const first = s->carve();
    block** end = &h.free[c];
    for (std::size_t n = carve_size / s->bytes(); n > 1 && s->uncarved > 0; --n) {
        end = &(*end = s->carve())->next;
    }
    return first;
}

frame_pool::span* frame_pool::new_span(std::size_t c) {
    heap& h = heap_;
    void* place = h.empty;
    if (h.empty) {
        h.empty = h.empty->next;
        h.empty_bytes -= span_size;
    } else {
        if (h.unused == h.unused_end) {
            bool const large = h.bytes >= much;
            std::size_t const size = large ? large_region_size : region_size;
            h.unused = map(size, large ? huge_page_size : span_size);
            h.unused_end = h.unused + size;
#ifdef MADV_HUGEPAGE
            if (large) madvise(h.unused, size, MADV_HUGEPAGE);
#endif
        }
        place = std::exchange(h.unused, h.unused + span_size);
        h.bytes += span_size;
    }
    auto* const s = ::new (place) span(&h, c);
    link(h.all, *s, &span::next_of_all, &span::previous_of_all);
    return s;
}

/// Of a span that is not the present one.
void frame_pool::release_elsewhere(block* b, span* s) noexcept {
    heap& h = heap_;
    if (s->owner.load(std::memory_order_relaxed) != &h) return release_foreign(b, s);
    b->next = std::exchange(s->free, b);
    --s->used;
    if (!b->next) {
        link(h.partly_free[s->size_class], *s, &span::next, &span::previous);
    } else if (s->used == 0) {
        unlink(h.partly_free[s->size_class], *s, &span::next, &span::previous);
        keep_empty(s);
    }
}

void frame_pool::keep_empty(span* s) noexcept {
    heap& h = heap_;
    unlink(h.all, *s, &span::next_of_all, &span::previous_of_all);
    if (h.empty_bytes == max_cached) {
        unmap(s, span_size);
        h.bytes -= span_size;
        return;
    }
    s->next = std::exchange(h.empty, s);
    h.empty_bytes += span_size;
}

void frame_pool::release_foreign(block* b, span* s) noexcept {
    std::lock_guard const lock(foreign);
    if (heap* const owner = s->owner.load(std::memory_order_relaxed)) {
        b->next = owner->returned.load(std::memory_order_relaxed);
        owner->returned.store(b, std::memory_order_relaxed);
    } else if (--s->used == 0) {
        unmap(s, span_size);
    }
}

void frame_pool::take_returned() noexcept {
    block* b;
    {
        std::lock_guard const lock(foreign);
        b = heap_.returned.exchange(nullptr, std::memory_order_relaxed);
    }
    while (b) {
        block* const next = b->next;
        release(b, span_of(b)->bytes());
        b = next;
    }
}

/// The present span becomes one of the others.
void frame_pool::set_aside(std::size_t c) noexcept {
    heap& h = heap_;
    span* const s = std::exchange(h.present[c], nullptr);
    if (!s) return;
    s->free = std::exchange(h.free[c], nullptr);
    for (block* b = s->free; b; b = b->next) --s->used;
    if (s->used == 0) {
        keep_empty(s);
    } else if (s->free) {
        link(h.partly_free[c], *s, &span::next, &span::previous);
    }
}

void frame_pool::trim() noexcept {
    heap& h = heap_;
    if (!h.open) return;
    take_returned();
    for (std::size_t c = 0; c < classes; ++c) set_aside(c);
    while (span* const s = h.empty) {
        h.empty = s->next;
        unmap(s, span_size);
    }
    h.bytes -= std::exchange(h.empty_bytes, 0);
}

std::size_t frame_pool::cached() noexcept {
    heap& h = heap_;
    std::size_t bytes = h.empty_bytes;
    for (std::size_t c = 0; c < classes; ++c) {
        for (block* b = h.free[c]; b; b = b->next) bytes += c * step;
        for (span* s = h.partly_free[c]; s; s = s->next) {
            for (block* b = s->free; b; b = b->next) bytes += c * step;
        }
    }
    return bytes;
}

}  // namespace green::detail
