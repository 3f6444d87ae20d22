#pragma once

// Internal: an encoded call on its way to a worker.

#include <green/executor/byte_buffer.hpp>
#include <green/executor/shared_array.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace green::detail {

struct shared_place;

/// The bytes of a call, and the arrays that it refers to. All of it stays until the job is over.
class outgoing_call final : public shared_lender {
    std::shared_ptr<shared_arena> const arena_;  // null: there is none. Before what lies in it
    std::vector<std::shared_ptr<const std::byte>> arrays_;

public:
    explicit outgoing_call(std::shared_ptr<shared_arena> arena) noexcept
        : arena_(std::move(arena)), bytes(arena_.get()) {}

    bool lend(const std::shared_ptr<const std::byte>& memory, std::uint64_t& offset) override;

    /// Where workers find the bytes, if that is in shared memory.
    std::optional<shared_place> place() const noexcept;

    byte_buffer bytes;
};

}  // namespace green::detail
