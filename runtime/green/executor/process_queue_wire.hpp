#pragma once

// Internal: how the processes of a process_queue talk over their AF_UNIX connections.

#include <green/executor/byte_buffer.hpp>
#include <green/executor/frame_channel.hpp>
#include <green/executor/process_queue_request.hpp>

#include <cstdint>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

namespace green::detail {

/// What a frame_header's value says; its id is the request's number, and its kind is not looked at.
struct queue_tag {
    queue_verb verb = queue_verb::put;
    queue_outcome outcome = queue_outcome::waiting;  // of an answer
    bool may_wait = true;

    std::uint32_t packed() const noexcept;
    /// False if no process of this program has written that.
    static bool unpack(std::uint32_t value, queue_tag& out) noexcept;
};

/// The item is behind the header. A large one is not copied.
void push_item(frame_writer& out, frame_header header, byte_buffer&& item);

/// The abstract address of this name, which is no file, and its size.
socklen_t abstract_address(const std::string& name, sockaddr_un& out) noexcept;

}  // namespace green::detail
