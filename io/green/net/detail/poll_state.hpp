#pragma once

// Internal: what a poll_handle points to. Knows libuv; no public header includes it.

#include <green/core/frame_pool.hpp>
#include <green/loop/loop_core.hpp>
#include <green/net/detail/loop_members.hpp>
#include <green/net/detail/poll_handle.hpp>
#include <green/net/detail/socket_call.hpp>

#include <uv.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>

namespace green::detail {

/// Some hundreds of bytes each: they come from the pool of frames.
class poll_state : public loop_members::member {
public:
    /// See poll_handle.
    poll_state(owned_fd fd, const char* kind);
    virtual ~poll_state() = default;

    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* p, std::size_t size) noexcept {
        frame_pool::release(p, size);
    }

    int fd() const noexcept { return fd_; }
    const char* kind() const noexcept { return kind_; }
    loop_core& loop() const noexcept { return loop_; }
    poll_operation*& waiting(poll_direction d) noexcept {
        return waiting_[static_cast<std::size_t>(d)];
    }

    /// The last reading has left nothing: the next one need not try before epoll says so. Always safe,
    /// for libuv asks for levels, not edges.
    bool drained() const noexcept { return drained_; }
    void set_drained() noexcept { drained_ = true; }

    /// What it is called in errors and dumps: `udp 127.0.0.1:53`. Also when it has been closed while
    /// somebody waited.
    std::string label() const;

    /// From now on `o` waits.
    void wait(poll_direction d, poll_operation& o) noexcept {
        waiting(d) = &o;
        if (!keeps_alive_ || (polled_ & event_of(d)) == 0) update();
    }
    /// Polls for what somebody waits for. What nobody waits for any more goes on being polled until it
    /// comes: who reads in a loop is back before that.
    void update() noexcept {
        int const wanted = wanted_events();
        if ((wanted != 0) != keeps_alive_) keep_alive(wanted != 0);
        if ((wanted & ~polled_) != 0) poll_for(polled_ | wanted);
    }

    void close() noexcept;
    /// See poll_handle.
    owned_fd release() noexcept;

    void hold() noexcept { ++owners_; }
    void drop() noexcept {
        if (--owners_ == 0) delete this;
    }

private:
    virtual std::string own_label() const;
    void keep_label() noexcept;

    uv_handle_t* handle() noexcept { return reinterpret_cast<uv_handle_t*>(&poll_); }
    static_assert(UV_READABLE == 1 && UV_WRITABLE == 2);
    static int event_of(poll_direction d) noexcept { return 1 << static_cast<int>(d); }
    int wanted_events() const noexcept {
        return (waiting_[0] ? UV_READABLE : 0) | (waiting_[1] ? UV_WRITABLE : 0);
    }
    void keep_alive(bool on) noexcept;
    void poll_for(int events) noexcept;
    static void on_event(uv_poll_t* poll, int status, int events);
    void attempt(poll_direction d) noexcept;
    owned_fd detach() noexcept;
    void shut() noexcept;

    // loop_members::member
    void loop_closes() noexcept override { shut(); }

    const char* const kind_;
    loop_core& loop_;
    int fd_;
    int polled_ = 0;
    unsigned owners_ = 2;  // libuv and the poll_handle
    bool drained_ = false;
    bool keeps_alive_ = false;  // the loop
    std::array<poll_operation*, 3> waiting_{};  // by poll_direction
    std::unique_ptr<std::string> last_label_;  // of one that is closed
    uv_poll_t poll_;
};

}  // namespace green::detail
