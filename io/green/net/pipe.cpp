#include <green/net/pipe.hpp>

#include <green/net/detail/socket_call.hpp>
#include <green/net/detail/stream_state.hpp>

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace green {
namespace {

using namespace detail;

poll_handle take(owned_fd fd) {
    if (::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) throw_socket_error("take over", "pipe", errno);
    return poll_handle(new stream_state(std::move(fd), "pipe", stream_state::calls::of_files));
}

}  // namespace

pipe_reader pipe_reader::from_descriptor(owned_fd fd) { return pipe_reader(take(std::move(fd))); }
pipe_writer pipe_writer::from_descriptor(owned_fd fd) { return pipe_writer(take(std::move(fd))); }

pipe pipe::open() {
    int fds[2];
    if (::pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0) throw_socket_error("open", "pipe", errno);
    owned_fd reads(fds[0]);
    owned_fd writes(fds[1]);
    pipe_reader reader = pipe_reader::from_descriptor(std::move(reads));
    return {std::move(reader), pipe_writer::from_descriptor(std::move(writes))};
}

}  // namespace green
