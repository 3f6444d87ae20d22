#pragma once

// Internal: a descriptor on the loop, and what is to be done with it as soon as it is ready.

#include <green/core/leaf.hpp>
#include <green/net/owned_fd.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace green::detail {

//  poll_handle ──► poll_state (heap, counted: by the handle, by libuv, by operations)
//                   ├─ the descriptor, a uv_poll_t
//                   ├─ reader ──► poll_operation ┐ in the frame of the task
//                   └─ writer ──► poll_operation ┘ that waits for it
//
// An operation is tried at once. If it would block it is tried again from libuv's callback, which
// keeps what came of it and wakes the task: so one that is done is done, and a cancel that comes
// later takes nothing back.

class poll_operation;
class poll_state;

/// `close`: nothing is polled for; it waits for the end of the handle.
enum class poll_direction : std::uint8_t { read, write, close };

/// A socket or pipe on the loop of its thread: one task may read and one may write at a time. Owns the
/// descriptor. It keeps the loop alive only while somebody waits for it.
class poll_handle {
public:
    /// `kind` is of static storage: "udp". Throws std::system_error if the descriptor cannot be polled.
    poll_handle(owned_fd fd, const char* kind);
    /// Takes one that is made already.
    explicit poll_handle(poll_state* made) noexcept : state_(made) {}
    poll_handle(poll_handle&& other) noexcept;
    poll_handle& operator=(poll_handle&& other) noexcept;
    ~poll_handle();

    /// -1 once closed.
    int fd() const noexcept;

    /// Closes the descriptor now. Who waits for it gets closed_error. A second time: nothing.
    void close() noexcept;
    /// Closes, but for the descriptor, which is the caller's from now on; none if it is closed already.
    owned_fd release() noexcept;

    /// Null when it has been moved from.
    poll_state* state() const noexcept { return state_; }

private:
    poll_state* state_;
};

/// Something that is to be done with a descriptor as soon as it does not block: what an awaitable of
/// a socket is made from, beside its `result()`. The poll_handle may move or close at any time; it may
/// go while it waits, not between its making and the co_await.
class poll_operation : public leaf {
public:
    bool cancel() noexcept override;
    void describe(std::string& out) const override;

    /// Tries it. Throws closed_error, and std::logic_error when another task waits to do the same.
    bool ready();
    void start() noexcept;

protected:
    /// `verb`, of static storage: "receive".
    poll_operation(const poll_handle& handle, poll_direction direction, const char* verb) noexcept
        : state_(handle.state()), verb_(verb), direction_(direction) {}
    /// Before it is awaited only.
    poll_operation(const poll_operation& o) noexcept
        : leaf(), state_(o.state_), verb_(o.verb_), direction_(o.direction_) {}
    poll_operation& operator=(const poll_operation&) = delete;
    ~poll_operation() {
        if (held_) let_go();
    }

    /// True when it is done, well or not (see `error_`); false when it would have blocked.
    virtual bool attempt(int fd) noexcept = 0;

    bool closed() const noexcept;
    /// Not of one whose poll_handle had been moved from.
    poll_state& state() const noexcept { return *state_; }
    const char* verb() const noexcept { return verb_; }

    /// To begin `result()` with: throws what has become of it, if not what was wanted.
    void check() const {
        if (error_ != 0) [[unlikely]]
            fail();
    }
    /// `object` is added to the text: `send udp 127.0.0.1:53 to 10.0.0.1:9`.
    [[noreturn]] void fail(std::string_view object = {}) const;

    /// Why the attempt has failed: an errno; 0: it has not, or not yet. Below 0 it is no system call
    /// that has failed.
    int error_ = 0;

private:
    friend poll_state;
    static constexpr int closed_meanwhile = -1;
    [[noreturn]] void refuse() const;
    void hold() noexcept;
    void let_go() noexcept;

    poll_state* state_;
    const char* verb_;
    poll_direction direction_;
    bool held_ = false;  // the state, by this
};

}  // namespace green::detail
