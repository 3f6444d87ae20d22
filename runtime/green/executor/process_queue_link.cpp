#include <green/executor/process_queue_link.hpp>

#include <green/core/scheduler.hpp>
#include <green/executor/steady_time.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <exception>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace green::detail {
namespace {

constexpr auto never = steady::time_point::max();

/// Until one of `events` holds, or `until`.
void wait_for(int socket, short events, steady::time_point until) {
    pollfd wanted{socket, events, 0};
    if (until == never) {
        ::poll(&wanted, 1, -1);
        return;
    }
    using std::chrono::nanoseconds;
    nanoseconds const left = until - steady::now();
    auto const ns = std::max<std::int64_t>(left.count(), 0);
    timespec const most{ns / 1'000'000'000, ns % 1'000'000'000};
    ::ppoll(&wanted, 1, &most, nullptr);
}

}  // namespace

queue_link::queue_link(const std::string& address)
    : queue_port(address), socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (!socket_) {
        throw std::system_error(errno, std::generic_category(), "process_queue: its socket");
    }
    sockaddr_un to;
    socklen_t const length = abstract_address(address, to);
    int connected;
    do connected = ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&to), length);
    while (connected != 0 && errno == EINTR);
    gone_ = connected != 0;
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0) set_owner(who.pid);
}

/// Also if the service has forgotten it: it may not have returned from there yet.
queue_link::~queue_link() {
    if (!service_) return;
    std::unique_lock lock(mutex_);
    std::uint64_t const id = watch_;
    lock.unlock();
    service_->forget(id, socket_.get());
}

class queue_link::usage {
public:
    explicit usage(std::shared_ptr<queue_link> link) : link_(std::move(link)) {
        link_->begin_use();
    }
    ~usage() { link_->end_use(); }
    usage(const usage&) = delete;
    usage& operator=(const usage&) = delete;

private:
    std::shared_ptr<queue_link> link_;
};

std::shared_ptr<queue_port> queue_link::use(std::shared_ptr<queue_link> link) {
    queue_link* const port = link.get();
    return {std::make_shared<usage>(std::move(link)), port};
}

void queue_link::begin_use() {
    std::lock_guard const lock(mutex_);
    ++uses_;
}

void queue_link::end_use() noexcept {
    std::lock_guard const lock(mutex_);
    if (--uses_ != 0 || gone_ || !std::exchange(takes_items_, false)) return;
    try {
        push(0, {.verb = queue_verb::leave});
        // If there is no room, and nobody comes back: the worst is a death that costs nothing.
        out_.flush(socket_.get());
        if (service_) want_events();
    } catch (const std::exception&) {
        // No memory: the same.
    }
}

bool queue_link::idle() {
    std::lock_guard const lock(mutex_);
    return gone_ || (held_ == 0 && asked_.empty());
}

// --- what this process asks

bool queue_link::attempt(queue_request& r) {
    std::lock_guard const lock(mutex_);
    r.outcome = gone_ ? queue_outcome::gone : queue_outcome::waiting;
    return gone_;
}

bool queue_link::begin(queue_request& r, thread_waker& w) {
    be_served();
    std::unique_lock lock(mutex_);
    r.waker = &w;
    send(r, lock);
    return !r.waits();
}

bool queue_link::withdraw(queue_request& r) noexcept {
    std::unique_lock lock(mutex_);
    if (r.waits()) ask_to_withdraw(r, lock);
    return false;
}

void queue_link::perform(queue_request& r, std::chrono::nanoseconds limit) {
    // A loop's thread waits as long as the owner takes to answer, and no longer.
    bool const on_loop = scheduler::current() != nullptr;
    if (limit.count() <= 0 || on_loop) r.may_wait = false;
    std::unique_lock lock(mutex_);
    blocked_thread self;
    r.waker = &self;
    send(r, lock);
    if (!wait_answer(lock, r, self, r.may_wait ? time_after(limit) : never)) {
        ask_to_withdraw(r, lock);
        wait_answer(lock, r, self, never);
    }
    if (r.outcome == queue_outcome::withdrawn) r.outcome = queue_outcome::nothing;
    bool const refused = r.outcome == queue_outcome::nothing;
    if (refused && on_loop && limit.count() > 0) throw_would_block(name_of(r.verb));
}

queue_port::done_result queue_link::task_done() {
    std::unique_lock lock(mutex_);
    if (gone_) return done_result::gone;
    if (held_ == 0) return done_result::too_many;
    push(0, {.verb = queue_verb::task_done});
    --held_;
    write(lock);
    return done_result::accepted;
}

// --- the connection

/// Without the lock.
void queue_link::be_served() {
    std::call_once(served_, [this] {
        auto service = queue_service::instance();
        std::uint64_t const id = service->watch(socket_.get(), *this);
        std::lock_guard const lock(mutex_);
        service_ = std::move(service);
        watch_ = id;
    });
}

void queue_link::on_ready(std::uint32_t events) noexcept {
    std::lock_guard const lock(mutex_);
    if (!service_) return;  // be_served() is on its way
    // A thread that led before there was a service polls the socket still: it must find its answer.
    // The end of the connection it finds in any case.
    if (has_leader_ && (events & EPOLLHUP) == 0) return want(0);
    read();
    if (gone_) return service_->forget(std::exchange(watch_, 0), socket_.get());
    want_events();
}

void queue_link::want_events() noexcept {
    bool const full = out_.flush(socket_.get()) == io_state::blocked;
    want(EPOLLIN | (full ? EPOLLOUT : 0U));
}

void queue_link::want(std::uint32_t events) noexcept {
    if (events != std::exchange(wanted_, events)) service_->want(watch_, socket_.get(), events);
}

void queue_link::send(queue_request& r, std::unique_lock<std::mutex>& lock) {
    r.outcome = gone_ ? queue_outcome::gone : queue_outcome::waiting;
    if (gone_) return;
    r.id = ++last_id_;
    if (r.verb == queue_verb::get) takes_items_ = true;
    asked_.emplace(r.id, &r);
    try {
        queue_tag const tag{.verb = r.verb, .may_wait = r.may_wait};
        if (r.verb == queue_verb::put) {
            push_item(out_, {.id = r.id, .value = tag.packed()}, std::move(r.item));
        } else {
            push(r.id, tag);
        }
    } catch (...) {
        asked_.erase(r.id);
        throw;
    }
    write(lock);
}

void queue_link::ask_to_withdraw(
    const queue_request& r, std::unique_lock<std::mutex>& lock
) noexcept {
    try {
        push(r.id, {.verb = queue_verb::withdraw});
    } catch (const std::exception&) {
        return;  // no memory: it waits on
    }
    write(lock);
}

void queue_link::push(std::uint64_t id, queue_tag tag) {
    out_.push({.id = id, .value = tag.packed()});
}

/// All that there is, now or by the service. Without one this thread waits until there is room: nobody
/// else might come.
void queue_link::write(std::unique_lock<std::mutex>& lock) {
    while (out_.flush(socket_.get()) == io_state::blocked) {
        if (service_) return want_events();
        lock.unlock();
        wait_for(socket_.get(), POLLOUT, never);
        lock.lock();
    }
}

void queue_link::read() noexcept {
    if (gone_) return;
    bool sound = true;
    try {
        sound = in_.fill(socket_.get(), MSG_DONTWAIT) != io_state::broken;
        while (auto f = in_.next()) sound = take_answer(*f) && sound;
    } catch (const std::exception&) {
        sound = false;
    }
    if (!sound) forget_all();
}

/// False: no owner of a queue says that.
bool queue_link::take_answer(frame& f) {
    queue_tag tag;
    auto const found = asked_.find(f.header.id);
    if (!queue_tag::unpack(f.header.value, tag) || found == asked_.end()) return false;
    queue_request& r = *found->second;
    if (tag.verb != r.verb || tag.outcome == queue_outcome::waiting) return false;
    if (r.verb == queue_verb::get && tag.outcome == queue_outcome::done) {
        if (f.own.empty()) append(f.own, f.payload);
        r.item = std::move(f.own);
        ++held_;
    } else if (!f.payload.empty()) {
        if (f.payload.size() != sizeof r.figures) return false;
        std::memcpy(&r.figures, f.payload.data(), sizeof r.figures);
    }
    asked_.erase(found);
    r.outcome = tag.outcome;
    r.waker->wake();
    return true;
}

/// The owner is gone, or is no owner.
void queue_link::forget_all() noexcept {
    gone_ = true;
    held_ = 0;
    out_ = {};
    ::shutdown(socket_.get(), SHUT_RDWR);
    for (auto const& [id, r] : std::exchange(asked_, {})) {
        r->outcome = queue_outcome::gone;
        r->waker->wake();
    }
}

// --- threads that block

/// False if `until` came first.
bool queue_link::wait_answer(
    std::unique_lock<std::mutex>& lock,
    const queue_request& r,
    blocked_thread& self,
    time_point until
) {
    while (r.waits() && (until == never || steady::now() < until)) {
        if (!service_ && !has_leader_) {
            lead(lock, until);
            continue;
        }
        followers_.push_back(self);
        if (until == never) {
            self.changed.wait(lock);
        } else {
            self.changed.wait_until(lock, until);
        }
        followers_.remove(self);
    }
    blocked_thread* const next = followers_.front();
    if (next && !has_leader_) next->wake();
    return !r.waits();
}

/// Reads once, for all.
void queue_link::lead(std::unique_lock<std::mutex>& lock, time_point until) {
    has_leader_ = true;
    lock.unlock();
    wait_for(socket_.get(), POLLIN, until);
    lock.lock();
    has_leader_ = false;
    read();
    if (service_ && !gone_) want_events();
}

}  // namespace green::detail
