#include <green/executor/shared_array.hpp>

#include <green/executor/shared_memory.hpp>
#include <green/executor/worker_arena.hpp>

#include <limits>
#include <new>

namespace green::detail {

std::shared_ptr<std::byte> allocate_shared_bytes(
    const std::shared_ptr<shared_arena>& arena, std::size_t size
) {
    if (std::byte* const piece = arena ? arena->allocate(size) : nullptr) {
        return {piece, [arena](std::byte* p) { arena->release(p); }};
    }
    constexpr std::align_val_t alignment{shared_alignment};
    auto* const memory = static_cast<std::byte*>(::operator new(size, alignment));
    return {memory, [](std::byte* p) { ::operator delete(p, alignment); }};
}

const std::shared_ptr<shared_arena>& arena_of_this_worker() noexcept {
    static const std::shared_ptr<shared_arena> none;
    worker_arena* const arena = worker_arena::of_this_process();
    return arena ? arena->memory() : none;
}

void encode_shared(
    encoder& e, const std::shared_ptr<const std::byte>& memory, std::size_t count, std::size_t size
) {
    std::uint64_t offset = 0;
    bool const lent = size != 0 && e.lender() && e.lender()->lend(memory, offset);
    e.put(lent);
    e.write_size(count);
    if (lent) {
        e.put(offset);
    } else {
        e.write(memory.get(), size);
    }
}

arrived_array decode_shared(decoder& d, std::size_t element, std::size_t alignment) {
    constexpr char what[] = "a shared_array";
    if (!decode_bool(d, what)) {
        std::size_t const n = d.read_count(element, what);
        if (n == 0) return {};
        auto const copy = allocate_shared_bytes(nullptr, n * element);
        d.read(copy.get(), n * element, what);
        return {copy, n};
    }
    std::size_t const n = d.read_size(what);
    auto const offset = d.get<std::uint64_t>();
    bool const possible = n != 0 && n <= std::numeric_limits<std::size_t>::max() / element &&
        offset % alignment == 0;
    if (!possible || !d.borrower()) d.fail(what, "no place in shared memory");
    auto memory = d.borrower()->borrow(offset, n * element);
    if (!memory) d.fail(what, "a place outside of the shared memory");
    return {std::move(memory), n};
}

}  // namespace green::detail
