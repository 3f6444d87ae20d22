#include <green/http/detail/curl_engine.hpp>

#include <green/core/errors.hpp>
#include <green/http/detail/curl_transfer.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace green::detail {

/// A descriptor of libcurl, which opens and closes it, while there is something to poll it for.
struct curl_socket : list_node<curl_socket> {
    uv_poll_t handle;
    curl_engine* engine = nullptr;
    curl_socket_t fd = CURL_SOCKET_BAD;
    int events = 0;
};

struct curl_engine::timer_handle {
    uv_timer_t handle;
    curl_engine* engine;
};

namespace {

/// Handles that have been used keep some memory, so not too many.
constexpr std::size_t most_spare = 64;

void initialise_curl() {
    static CURLcode const status = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (status != CURLE_OK)
        throw std::runtime_error(std::string("green: libcurl: ") + curl_easy_strerror(status));
}

template <class Handle>
uv_handle_t* base(Handle& h) noexcept {
    return reinterpret_cast<uv_handle_t*>(&h);
}

}  // namespace

curl_engine::curl_engine(const http::client_options& o)
    : options(o),
      limits(
          std::max<std::size_t>(o.max_connections, 1),
          std::max<std::size_t>(o.max_connections_per_host, 1)
      ),
      loop_(loop_core::require("http::client")) {
    initialise_curl();
    auto& members = loop_.service<loop_members>();
    auto timer = std::make_unique<timer_handle>();
    multi_ = curl_multi_init();
    share_ = curl_share_init();
    if (!multi_ || !share_) {
        curl_multi_cleanup(multi_);
        curl_share_cleanup(share_);
        throw std::bad_alloc();
    }
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    constexpr std::size_t most = 100'000;
    auto const kept = static_cast<long>(std::clamp<std::size_t>(o.max_connections, 1, most));
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kept);
    curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);

    timer_ = timer.release();
    timer_->engine = this;
    uv_timer_init(loop_.native(), &timer_->handle);
    timer_->handle.data = timer_;
    uv_unref(base(timer_->handle));
    members.add(*this);
}

curl_engine::~curl_engine() { close(); }

void curl_engine::close() noexcept {
    if (closed()) return;
    loop_.service<loop_members>().remove(*this);
    shut();
}

void curl_engine::shut() noexcept {
    while (curl_transfer* const t = under_way_.front()) t->client_closes();
    for (CURL* const easy : std::exchange(spare_, {})) curl_easy_cleanup(easy);
    {
        curl_frame const frame(*this);
        curl_multi_cleanup(std::exchange(multi_, nullptr));
        curl_share_cleanup(std::exchange(share_, nullptr));
    }
    while (curl_socket* const s = sockets_.front()) forget(*s);
    uv_close(base(timer_->handle), [](uv_handle_t* h) {
        delete static_cast<timer_handle*>(h->data);
    });
}

// --- transfers

CURL* curl_engine::take_easy() {
    if (!spare_.empty()) {
        CURL* const easy = spare_.back();
        spare_.pop_back();
        return easy;
    }
    CURL* const easy = curl_easy_init();
    if (!easy) throw std::bad_alloc();
    return easy;
}

void curl_engine::give_back(CURL* easy) noexcept {
    curl_easy_reset(easy);
    try {
        if (spare_.size() < most_spare) return spare_.push_back(easy);
    } catch (const std::bad_alloc&) {
        // one less to keep
    }
    curl_easy_cleanup(easy);
}

void curl_engine::add(curl_transfer& t) {
    if (under_way_count_++ == 0) uv_ref(base(timer_->handle));
    under_way_.push_back(t);
    CURLMcode status;
    {
        curl_frame const frame(*this);
        status = curl_multi_add_handle(multi_, t.easy());
    }
    if (status == CURLM_OUT_OF_MEMORY) throw std::bad_alloc();
    if (status != CURLM_OK) throw std::runtime_error(curl_multi_strerror(status));
    tell();
}

void curl_engine::remove(curl_transfer& t) noexcept {
    if (--under_way_count_ == 0) uv_unref(base(timer_->handle));
    under_way_.remove(t);
    {
        curl_frame const frame(*this);
        curl_multi_remove_handle(multi_, t.easy());
    }
    tell();
}

void curl_engine::resume(CURL* easy, int still) noexcept {
    {
        curl_frame const frame(*this);
        curl_easy_pause(easy, still);
    }
    take_ended();
    tell();
}

void curl_engine::add_news(curl_transfer& t) noexcept {
    if (!t.news().linked()) news_.push_back(t.news());
}

void curl_engine::take_ended() noexcept {
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode const code = message->data.result;
        char* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        reinterpret_cast<curl_transfer*>(transfer)->ended_with(code);
    }
}

void curl_engine::tell() noexcept {
    while (transfer_news* const news = news_.pop_front()) news->transfer.tell_tasks();
}

// --- what libcurl wants of the loop

void curl_engine::act(curl_socket_t fd, int events) noexcept {
    {
        curl_frame const frame(*this);
        int running = 0;
        curl_multi_socket_action(multi_, fd, events, &running);
    }
    take_ended();
    tell();
}

int curl_engine::on_timer(CURLM*, long delay_ms, void* engine) noexcept {
    auto& self = *static_cast<curl_engine*>(engine);
    uv_timer_t& timer = self.timer_->handle;
    if (delay_ms < 0) return uv_timer_stop(&timer);
    // libuv counts from when it last looked at the time.
    std::uint64_t const now = uv_hrtime() / 1'000'000;
    std::uint64_t const looked = uv_now(timer.loop);
    std::uint64_t const behind = now > looked ? now - looked : 0;
    auto const fire = [](uv_timer_t* t) {
        static_cast<timer_handle*>(t->data)->engine->act(CURL_SOCKET_TIMEOUT, 0);
    };
    auto const delay = static_cast<std::uint64_t>(delay_ms);
    return uv_timer_start(&timer, fire, delay == 0 ? 0 : delay + behind, 0);
}

int curl_engine::on_socket(CURL*, curl_socket_t fd, int what, void* engine, void* socket) noexcept {
    auto& self = *static_cast<curl_engine*>(engine);
    auto* const known = static_cast<curl_socket*>(socket);
    if (what == CURL_POLL_REMOVE) {
        if (known) self.forget(*known);
        return 0;
    }
    int const events = ((what & CURL_POLL_IN) ? UV_READABLE : 0) |
        ((what & CURL_POLL_OUT) ? UV_WRITABLE : 0);
    if (!known) return self.watch(fd, events) ? 0 : -1;
    known->events = events;
    return uv_poll_start(&known->handle, events, on_poll);
}

bool curl_engine::watch(curl_socket_t fd, int events) noexcept {
    auto* const s = new (std::nothrow) curl_socket;
    if (!s) return false;
    if (uv_poll_init_socket(loop_.native(), &s->handle, fd) != 0) {
        delete s;
        return false;
    }
    s->handle.data = s;
    s->engine = this;
    s->fd = fd;
    s->events = events;
    sockets_.push_back(*s);
    curl_multi_assign(multi_, fd, s);
    return uv_poll_start(&s->handle, events, on_poll) == 0;
}

curl_socket* curl_engine::find(curl_socket_t fd) noexcept {
    curl_socket* s = sockets_.front();
    while (s && s->fd != fd) s = sockets_.after(*s);
    return s;
}

void curl_engine::forget(curl_socket& s) noexcept {
    sockets_.remove(s);
    // Out of epoll before libcurl closes the descriptor, and its number is free for another.
    uv_poll_stop(&s.handle);
    uv_close(base(s.handle), [](uv_handle_t* h) { delete static_cast<curl_socket*>(h->data); });
}

void curl_engine::on_poll(uv_poll_t* handle, int status, int events) {
    auto& s = *static_cast<curl_socket*>(handle->data);
    curl_engine& self = *s.engine;
    curl_socket_t const fd = s.fd;
    if (status < 0) {
        // libcurl is to find the error by itself, behind what came before it.
        self.act(fd, CURL_CSELECT_IN | CURL_CSELECT_OUT);
        // libuv has stopped a handle that it reports an error of.
        if (self.find(fd) == &s) uv_poll_start(handle, s.events, on_poll);
        return;
    }
    int const what = ((events & UV_READABLE) ? CURL_CSELECT_IN : 0) |
        ((events & UV_WRITABLE) ? CURL_CSELECT_OUT : 0);
    self.act(fd, what);
}

}  // namespace green::detail
