// The other processes of a process_queue, as its owner sees them.

#include <green/executor/process_queue_hub.hpp>

#include <array>
#include <cerrno>
#include <exception>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace green::detail {
namespace {

/// A name that nobody has used, and nobody will.
std::string new_address() {
    std::array<unsigned char, 16> bits{};
    if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size())) {
        throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    std::string name = "green-queue-";
    for (unsigned char const b : bits) {
        name += "0123456789abcdef"[b >> 4];
        name += "0123456789abcdef"[b & 15];
    }
    return name;
}

descriptor spare_descriptor() noexcept {
    return descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

descriptor listen_at(const std::string& name) {
    descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address;
    socklen_t const size = abstract_address(name, address);
    if (!listener || ::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener.get(), SOMAXCONN) != 0) {
        throw std::system_error(errno, std::generic_category(), "process_queue: its socket");
    }
    return listener;
}

}  // namespace

queue_hub::queue_hub(std::size_t capacity)
    : queue_port(new_address()),
      capacity_(capacity),
      listener_(listen_at(address())),
      spare_(spare_descriptor()),
      service_(queue_service::instance()) {
    set_owner(::getpid());
    watch_ = service_->watch(listener_.get(), *this);
}

/// Meanwhile peers may end by themselves.
queue_hub::~queue_hub() {
    if (!service_->is_of_this_process()) {
        // Whoever waits is told by the parent.
        for (waiters* const all : {&putters_, &getters_, &joiners_}) {
            while (all->pop_front()) {}
        }
        return;
    }
    service_->forget(watch_, listener_.get());
    for (;;) {
        std::uint64_t id = 0;
        int socket = -1;
        {
            std::lock_guard const lock(mutex_);
            if (peers_.empty()) return;
            id = peers_.front().watch;
            socket = peers_.front().socket.get();
        }
        service_->forget(id, socket);  // now it is not heard any more
        std::lock_guard const lock(mutex_);
        if (!peers_.empty() && peers_.front().watch == id) drop(peers_.front());
    }
}

// --- who connects

void queue_hub::on_ready(std::uint32_t) noexcept {
    for (;;) {
        descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)
        );
        if (!socket) {
            if (errno == EMFILE || errno == ENFILE) turn_away();
            return;
        }
        try {
            admit(std::move(socket));
        } catch (const std::exception&) {
            // No memory: it finds its connection closed.
        }
    }
}

/// Processes of this user only, and root's, which may do anything: a worker that was there before the
/// application gave that up is one.
void queue_hub::admit(descriptor socket) {
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return;
    if (who.uid != ::geteuid() && who.uid != 0) return;
    std::lock_guard const lock(mutex_);
    answered_.reserve(peers_.size() + 1);  // so that writing to all of them takes no memory
    queue_peer& peer = peers_.emplace_back(*this, std::move(socket), who.pid);
    try {
        peer.watch = service_->watch(peer.socket.get(), peer);
    } catch (...) {
        peers_.pop_back();
        throw;
    }
}

/// No descriptor is left: rather an error over there than a wait, or a busy loop here. If somebody else
/// has taken the spare one, there is a pause: nothing tells when a descriptor is free.
void queue_hub::turn_away() noexcept {
    spare_.reset();
    descriptor turned_away(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    bool const done = static_cast<bool>(turned_away);
    turned_away.reset();
    spare_ = spare_descriptor();
    if (!done) service_->pause(watch_, listener_.get());
}

// --- what they say

void queue_peer::on_ready(std::uint32_t) noexcept { hub.hear(*this); }

void queue_hub::hear(queue_peer& peer) noexcept {
    std::lock_guard const lock(mutex_);
    bool there = false;
    try {
        there = read(peer);
    } catch (const std::exception&) {
        // No memory: its connection is closed, and it is told that all is over.
    }
    if (!there) {
        bury(peer);
    } else if (peer.wants_room) {
        write_to(peer);
    }
    write_answers();
}

bool queue_hub::read(queue_peer& peer) {
    io_state const state = peer.in.fill(peer.socket.get(), MSG_DONTWAIT);
    while (auto f = peer.in.next()) {
        if (!obey(peer, *f)) return false;
    }
    return state != io_state::broken;
}

bool queue_hub::obey(queue_peer& peer, frame& f) {
    queue_tag tag;
    if (!queue_tag::unpack(f.header.value, tag)) return false;
    switch (tag.verb) {
    case queue_verb::task_done:
        if (peer.held == 0) return false;  // it has counted itself
        --peer.held;
        finish(1);
        return true;
    case queue_verb::leave: peer.takes_items = false; return true;
    case queue_verb::withdraw: {
        auto const found = peer.waiting.find(f.header.id);
        if (found == peer.waiting.end()) return true;  // the answer is on its way
        waiters_of(found->second.verb).remove(found->second);
        conclude(found->second, queue_outcome::withdrawn);
        return true;
    }
    default: return request(peer, tag, f);
    }
}

bool queue_hub::request(queue_peer& peer, queue_tag tag, frame& f) {
    if (f.own.empty()) append(f.own, f.payload);
    queue_request asked(tag.verb, std::move(f.own));
    asked.may_wait = tag.may_wait;
    asked.id = f.header.id;
    asked.peer = &peer;
    if (asked.verb == queue_verb::get) peer.takes_items = true;
    if (serve(asked)) {
        answer(peer, asked);
        return true;
    }
    auto const [place, is_new] = peer.waiting.emplace(asked.id, std::move(asked));
    if (!is_new) return false;
    queue_request& waiting = place->second;
    waiting.id = f.header.id;
    waiting.peer = &peer;
    waiters_of(waiting.verb).push_back(waiting);
    return true;
}

void queue_hub::answer(queue_peer& peer, queue_request& r) noexcept {
    try {
        frame_header header{.id = r.id};
        header.value = queue_tag{.verb = r.verb, .outcome = r.outcome}.packed();
        if (r.verb == queue_verb::look || r.outcome == queue_outcome::peer_died) {
            peer.out.push(header, std::as_bytes(std::span(&r.figures, 1)));
        } else if (r.verb == queue_verb::get && r.outcome == queue_outcome::done) {
            push_item(peer.out, header, std::move(r.item));
        } else {
            peer.out.push(header);
        }
        write_to(peer);
    } catch (const std::exception&) {
        // No memory. Nothing would wake it, so it is told that all is over.
        ::shutdown(peer.socket.get(), SHUT_RDWR);
    }
}

/// As soon as all that is to be done now is done: several answers are one write.
void queue_hub::write_to(queue_peer& peer) noexcept {
    if (!std::exchange(peer.has_answers, true)) answered_.push_back(&peer);
}

void queue_hub::write_answers() noexcept {
    for (queue_peer* const peer : answered_) {
        peer->has_answers = false;
        // One that is gone will be seen to be by whoever reads from it.
        bool const full = peer->out.flush(peer->socket.get()) == io_state::blocked;
        if (full == std::exchange(peer->wants_room, full)) continue;
        service_->want(peer->watch, peer->socket.get(), EPOLLIN | (full ? EPOLLOUT : 0U));
    }
    answered_.clear();
}

/// It has ended, or speaks another language.
void queue_hub::bury(queue_peer& peer) noexcept {
    service_->forget(peer.watch, peer.socket.get());
    death const d{peer.pid, peer.held};
    bool const counts = peer.takes_items || peer.held != 0;
    drop(peer);
    if (!counts) return;
    report_death(d);
    finish(d.items);
}

/// What it waits for it does not get.
void queue_hub::drop(queue_peer& peer) noexcept {
    for (auto& [id, r] : peer.waiting) waiters_of(r.verb).remove(r);
    std::erase(answered_, &peer);
    peers_.remove_if([&](const queue_peer& p) { return &p == &peer; });
}

}  // namespace green::detail
