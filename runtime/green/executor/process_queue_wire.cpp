#include <green/executor/process_queue_wire.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

namespace green::detail {

std::uint32_t queue_tag::packed() const noexcept {
    return static_cast<std::uint32_t>(verb) | static_cast<std::uint32_t>(outcome) << 8 |
        static_cast<std::uint32_t>(may_wait) << 16;
}

bool queue_tag::unpack(std::uint32_t value, queue_tag& out) noexcept {
    std::uint32_t const v = value & 0xff;
    std::uint32_t const o = value >> 8 & 0xff;
    // `gone` is what a process says to itself.
    bool const known = v <= static_cast<std::uint32_t>(queue_verb::withdraw) &&
        o < static_cast<std::uint32_t>(queue_outcome::gone) && value >> 17 == 0;
    if (known) out = {static_cast<queue_verb>(v), static_cast<queue_outcome>(o), value >> 16 != 0};
    return known;
}

void push_item(frame_writer& out, frame_header header, byte_buffer&& item) {
    auto const owner = std::make_shared<byte_buffer>(std::move(item));
    out.push(header, owner->bytes(), owner);
}

socklen_t abstract_address(const std::string& name, sockaddr_un& out) noexcept {
    out = {};
    out.sun_family = AF_UNIX;
    std::size_t const length = std::min(name.size(), sizeof out.sun_path - 1);
    std::memcpy(out.sun_path + 1, name.data(), length);
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
}

}  // namespace green::detail
