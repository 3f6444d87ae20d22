#include <green/executor/worker_arena.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include <sys/mman.h>

namespace green::detail {
namespace {

worker_arena* the_arena = nullptr;

std::size_t table_size() noexcept { return whole_pages(sizeof(lease_table)); }

std::size_t size_of_pieces(int memory) noexcept {
    std::size_t const all = size_of_memory(memory);
    return all - std::min(all, table_size());
}

memory_mapping map_table(int memory) {
    return {memory, 0, size_of_pieces(memory) != 0 ? table_size() : 0, PROT_READ | PROT_WRITE};
}

lease_table* table_in(const memory_mapping& memory) noexcept {
    return reinterpret_cast<lease_table*>(memory.data());  // all zero, as it begins
}

}  // namespace

std::size_t worker_arena_memory_size(std::size_t size) noexcept {
    return size == 0 ? 0 : table_size() + whole_pages(size);
}

// --- the worker

worker_arena::worker_arena(int memory)
    : size_(size_of_memory(memory)),
      table_memory_(map_table(memory)),
      table_(table_in(table_memory_)) {
    the_arena = this;
    if (!table_) return;
    arena_ = std::make_shared<shared_arena>(
        memory_mapping(memory, table_size(), size_of_pieces(memory), PROT_READ | PROT_WRITE)
    );
}

worker_arena::~worker_arena() { the_arena = nullptr; }

worker_arena* worker_arena::of_this_process() noexcept { return the_arena; }

void worker_arena::reclaim() noexcept {
    for (std::size_t i = 0; i < lent_.size(); ++i) {
        if (lent_[i].empty()) continue;
        // Acquire: the application has read before it ended the lease.
        if (table_->states[i].load(std::memory_order_acquire) != lease_table::ended) continue;
        lent_[i].clear();
        table_->states[i].store(lease_table::unused, std::memory_order_relaxed);
    }
}

bool worker_arena::open_lease() noexcept {
    if (open_) return true;
    auto const unused = std::find_if(lent_.begin(), lent_.end(), [](const pieces& p) {
        return p.empty();
    });
    if (unused == lent_.end()) return false;
    open_ = static_cast<std::size_t>(unused - lent_.begin());
    table_->states[*open_].store(lease_table::lent, std::memory_order_relaxed);
    return true;
}

bool worker_arena::lend(const std::shared_ptr<const std::byte>& memory, std::uint64_t& offset) {
    if (!arena_ || !arena_->contains(memory.get()) || !open_lease()) return false;
    lent_[*open_].push_back(memory);
    offset = arena_->offset_of(memory.get());
    return true;
}

std::optional<lease_note> worker_arena::close_lease(byte_buffer& outcome) {
    lease_note note;
    if (outcome.in_arena() && open_lease()) {
        note.offset = arena_->offset_of(outcome.data());
        note.size = outcome.size();
        lent_[*open_].push_back(std::make_shared<byte_buffer>(std::move(outcome)));
    }
    if (!open_) return std::nullopt;
    note.lease = *std::exchange(open_, std::nullopt);
    return note;
}

// --- the application

result_memory::result_memory(int memory)
    : table_memory_(map_table(memory)),
      table_(table_in(table_memory_)),
      pieces_(memory, table_size(), size_of_pieces(memory), PROT_READ) {
    owner_.take();
}

std::shared_ptr<result_lease> result_memory::take_lease(std::uint64_t number) {
    if (!table_ || number >= lease_table::size) return nullptr;
    return std::make_shared<result_lease>(shared_from_this(), static_cast<std::size_t>(number));
}

std::span<const std::byte> result_memory::open(
    std::span<const std::byte> noted,
    byte_buffer& copy,
    std::shared_ptr<result_lease>& lease,
    std::uint64_t most
) {
    lease_note note;
    if (noted.size() < sizeof note) return {};
    std::memcpy(&note, noted.data(), sizeof note);
    lease = take_lease(note.lease);
    if (!lease) return {};
    if (note.size == 0) return noted.subspan(sizeof note);
    const std::byte* const at = pieces_.find(note.offset, note.size);
    if (!at || note.size > most) return {};
    copy.clear();
    std::memcpy(copy.extend(note.size), at, note.size);
    return copy.bytes();
}

result_lease::~result_lease() {
    if (!memory_->owner_.is_this()) return;  // a fork of the application has not borrowed it
    memory_->table_->states[number_].store(lease_table::ended, std::memory_order_release);
}

std::shared_ptr<const std::byte> result_lease::borrow(std::uint64_t offset, std::uint64_t size) {
    return {shared_from_this(), memory_->pieces_.find(offset, size)};
}

// --- arguments, in a worker

borrowed_arguments::borrowed_arguments(int memory)
    : memory_(memory, 0, size_of_memory(memory), PROT_READ) {}

std::span<const std::byte> borrowed_arguments::bytes(const shared_place& place) const noexcept {
    const std::byte* const at = memory_.find(place.offset, place.size);
    return {at, at ? static_cast<std::size_t>(place.size) : 0};
}

std::shared_ptr<const std::byte> borrowed_arguments::borrow(
    std::uint64_t offset, std::uint64_t size
) {
    if (!lease_) lease_ = std::make_shared<const char>();
    return {lease_, memory_.find(offset, size)};
}

bool borrowed_arguments::end_job() noexcept {
    auto const lease = std::exchange(lease_, nullptr);
    return lease.use_count() > 1;
}

}  // namespace green::detail
