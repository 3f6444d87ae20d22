#include <green/net/detail/poll_handle.hpp>

#include <green/core/errors.hpp>
#include <green/net/detail/poll_state.hpp>

#include <stdexcept>
#include <utility>

namespace green::detail {

// --- poll_state

poll_state::poll_state(owned_fd fd, const char* kind)
    : kind_(kind), loop_(loop_core::require(kind)), fd_(fd.get()) {
    auto& members = loop_.service<loop_members>();  // may throw, as long as libuv knows nothing
    int const status = uv_poll_init(loop_.native(), &poll_, fd_);
    if (status != 0) throw_socket_error("open", kind, -status);
    poll_.data = this;
    uv_unref(handle());
    members.add(*this);
    fd.release();
}

std::string poll_state::label() const { return last_label_ ? *last_label_ : own_label(); }

std::string poll_state::own_label() const {
    std::string text = kind_;
    if (fd_ >= 0) text += ' ' + local_address_of(fd_).to_string();
    return text;
}

void poll_state::keep_label() noexcept {
    try {
        last_label_ = std::make_unique<std::string>(own_label());
    } catch (...) {  // out of memory: it is called by its kind
    }
}

void poll_state::keep_alive(bool on) noexcept {
    keeps_alive_ = on;
    if (on)
        uv_ref(handle());
    else
        uv_unref(handle());
}

void poll_state::poll_for(int events) noexcept {
    polled_ = events;
    if (events == 0)
        uv_poll_stop(&poll_);
    else
        uv_poll_start(&poll_, events, on_event);
}

void poll_state::on_event(uv_poll_t* poll, int status, int events) {
    auto& self = *static_cast<poll_state*>(poll->data);
    // libuv has stopped a handle that it reports an error of. Which one it is, the operations
    // are told.
    if (status < 0) {
        self.polled_ = 0;
        events = UV_READABLE | UV_WRITABLE;
    }
    if (events & UV_READABLE) {
        self.drained_ = false;
        self.attempt(poll_direction::read);
    }
    if (events & UV_WRITABLE) self.attempt(poll_direction::write);
    // The reader works in a buffer that is still in the processor's cache, and gives it back; who accepts
    // is back before the listener has left epoll.
    self.loop_.run_after_event();
    if (self.fd_ < 0) return;  // closed by a task that has run there
    int const wanted = self.wanted_events();
    if (wanted != 0 && wanted == self.polled_) return;  // the usual case: the reader waits again
    int const unwanted = events & self.polled_ & ~wanted;
    if (unwanted != 0) self.poll_for(self.polled_ & ~unwanted);
    self.update();
}

void poll_state::attempt(poll_direction d) noexcept {
    poll_operation* const operation = waiting(d);
    if (!operation || !operation->attempt(fd_)) return;
    waiting(d) = nullptr;
    operation->waiter().wake();
}

void poll_state::close() noexcept {
    if (fd_ < 0) return;
    loop_.service<loop_members>().remove(*this);
    shut();
}

owned_fd poll_state::release() noexcept {
    if (fd_ < 0) return {};
    loop_.service<loop_members>().remove(*this);
    return detach();
}

void poll_state::shut() noexcept { detach().close(); }

owned_fd poll_state::detach() noexcept {
    for (poll_operation*& slot : waiting_) {
        if (poll_operation* const operation = std::exchange(slot, nullptr)) {
            if (!last_label_) keep_label();
            operation->error_ = poll_operation::closed_meanwhile;
            operation->waiter().wake();
        }
    }
    polled_ = 0;
    // Takes it out of epoll, before the number is free for another descriptor.
    uv_close(handle(), [](uv_handle_t* h) { static_cast<poll_state*>(h->data)->drop(); });
    return owned_fd(std::exchange(fd_, -1));
}

// --- poll_handle

poll_handle::poll_handle(owned_fd fd, const char* kind)
    : state_(new poll_state(std::move(fd), kind)) {}

poll_handle::poll_handle(poll_handle&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)) {}

poll_handle& poll_handle::operator=(poll_handle&& other) noexcept {
    std::swap(state_, other.state_);
    if (this != &other) other.close();
    return *this;
}

poll_handle::~poll_handle() {
    if (!state_) return;
    state_->close();
    state_->drop();
}

int poll_handle::fd() const noexcept { return state_ ? state_->fd() : -1; }

void poll_handle::close() noexcept {
    if (state_) state_->close();
}

owned_fd poll_handle::release() noexcept { return state_ ? state_->release() : owned_fd(); }

void poll_operation::hold() noexcept {
    if (!std::exchange(held_, true)) state_->hold();
}

void poll_operation::let_go() noexcept { state_->drop(); }

bool poll_operation::closed() const noexcept { return !state_ || state_->fd() < 0; }

bool poll_operation::ready() {
    if (closed() || &state_->loop() != loop_core::current() || state_->waiting(direction_))
        [[unlikely]]
        refuse();
    bool const done = attempt(state_->fd());
    if (error_ != 0) [[unlikely]]
        hold();  // the task may have to queue, and then tells what it has failed with
    return done;
}

void poll_operation::refuse() const {
    if (closed()) throw closed_error(std::string(verb_) + ": it is closed");
    if (&state_->loop() != loop_core::current())
        throw std::logic_error(std::string("green: ") + verb_ + ": it belongs to another loop");
    std::string text = "green: ";
    describe(text);
    throw std::logic_error(text + ": another task waits for the same");
}

void poll_operation::start() noexcept {
    hold();
    state_->wait(direction_, *this);
}

bool poll_operation::cancel() noexcept {
    state_->waiting(direction_) = nullptr;
    state_->update();
    return true;
}

void poll_operation::describe(std::string& out) const {
    out += verb_;
    out += ' ';
    out += state_->label();
}

void poll_operation::fail(std::string_view object) const {
    if (error_ == closed_meanwhile) {
        std::string text;
        describe(text);
        throw closed_error(text + ": closed meanwhile");
    }
    throw_stream_error(verb_, state_->label().append(object), error_);
}

}  // namespace green::detail
