#pragma once

#include <green/core/intrusive_list.hpp>

#include <uv.h>

namespace green::detail {

class wire_channel;
class wire_core;

/// A descriptor of c-ares, from its socket() to its close(). libuv's from the first poll on until the
/// close callback.
struct wire_socket : list_node<wire_socket> {
    uv_poll_t handle;
    wire_channel* channel = nullptr;
    wire_core* core = nullptr;  // once it closes: the channel may go first
    int fd = -1;
    bool udp = false;
    bool polled = false;  // libuv knows it
    bool drained = false;  // nothing more to read before libuv says so
    bool blocked = false;  // has not taken all of its datagrams
    int events = 0;  // that c-ares wants to hear of
    int error = 0;  // of a send in a batch, for c-ares to find when it reads
};

}  // namespace green::detail
