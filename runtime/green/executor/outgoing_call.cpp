#include <green/executor/outgoing_call.hpp>

#include <green/executor/shared_memory.hpp>
#include <green/executor/worker_protocol.hpp>

namespace green::detail {

bool outgoing_call::lend(const std::shared_ptr<const std::byte>& memory, std::uint64_t& offset) {
    // What lies elsewhere is ordinary memory, or another executor's.
    if (!arena_ || !arena_->contains(memory.get())) return false;
    arrays_.push_back(memory);
    offset = arena_->offset_of(memory.get());
    return true;
}

std::optional<shared_place> outgoing_call::place() const noexcept {
    if (!bytes.in_arena()) return std::nullopt;
    return shared_place{arena_->offset_of(bytes.data()), bytes.size()};
}

}  // namespace green::detail
