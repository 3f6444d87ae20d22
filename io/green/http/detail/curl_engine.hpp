#pragma once

#include <green/core/intrusive_list.hpp>
#include <green/http/detail/request_limits.hpp>
#include <green/http/options.hpp>
#include <green/net/detail/loop_members.hpp>

#include <uv.h>

#include <cassert>
#include <cstddef>
#include <memory>
#include <vector>

#include <curl/curl.h>

namespace green::detail {

class curl_transfer;
struct curl_socket;

/// The place of a transfer among those that have news.
struct transfer_news : list_node<transfer_news> {
    explicit transfer_news(curl_transfer& t) noexcept : transfer(t) {}
    curl_transfer& transfer;
};

//  client ──┐
//  transfer ┴─► curl_engine (counted)
//               ├─ CURLM ──► its sockets ──► curl_socket: a uv_poll_t, while libcurl wants events
//               │        └─► its timer   ──► a uv_timer_t
//               ├─ transfers that are under way
//               └─ news: those whose tasks are to be woken when libcurl has returned
//
// libcurl is entered by libuv's callbacks and by tasks, never from one of its own callbacks: these
// store and start or stop handles. Its clock is the machine's, so its timer is libuv's and not the
// loop's queue: on a virtual clock it would call too early, over and over.

class curl_engine final : public loop_members::member,
                          public std::enable_shared_from_this<curl_engine> {
public:
    explicit curl_engine(const http::client_options& options);
    curl_engine(const curl_engine&) = delete;
    curl_engine& operator=(const curl_engine&) = delete;
    ~curl_engine();

    const http::client_options options;
    request_limits limits;

    loop_core& loop() const noexcept { return loop_; }
    bool closed() const noexcept { return multi_ == nullptr; }
    void close() noexcept;
    std::size_t connections_made() const noexcept { return connections_made_; }
    std::size_t under_way() const noexcept { return under_way_count_; }

    // --- for curl_transfer
    /// One that nobody uses, or a new one. Throws std::bad_alloc.
    CURL* take_easy();
    void give_back(CURL* easy) noexcept;
    CURLSH* share() const noexcept { return share_; }
    void add(curl_transfer& t);
    /// libcurl forgets it at once.
    void remove(curl_transfer& t) noexcept;
    void add_news(curl_transfer& t) noexcept;
    /// libcurl goes on where one of its callbacks has stopped it; `still` is what stays so.
    void resume(CURL* easy, int still) noexcept;
    void connected(long connections) noexcept {
        connections_made_ += static_cast<std::size_t>(connections);
    }

private:
    struct timer_handle;

    /// Marks that libcurl is on the stack.
    class curl_frame {
    public:
        explicit curl_frame(curl_engine& e) noexcept : engine_(e) {
            assert(!e.inside_curl_ && "libcurl entered from one of its callbacks");
            e.inside_curl_ = true;
        }
        curl_frame(const curl_frame&) = delete;
        curl_frame& operator=(const curl_frame&) = delete;
        ~curl_frame() { engine_.inside_curl_ = false; }

    private:
        curl_engine& engine_;
    };

    static int on_socket(CURL*, curl_socket_t fd, int what, void* engine, void* socket) noexcept;
    static int on_timer(CURLM*, long delay_ms, void* engine) noexcept;
    static void on_poll(uv_poll_t* handle, int status, int events);

    void act(curl_socket_t fd, int events) noexcept;
    void take_ended() noexcept;
    void tell() noexcept;
    bool watch(curl_socket_t fd, int events) noexcept;
    curl_socket* find(curl_socket_t fd) noexcept;
    void forget(curl_socket& s) noexcept;
    // loop_members::member
    void loop_closes() noexcept override { shut(); }
    void shut() noexcept;

    loop_core& loop_;
    CURLM* multi_ = nullptr;
    CURLSH* share_ = nullptr;
    timer_handle* timer_ = nullptr;  // libuv's, from its closing on
    intrusive_list<curl_socket> sockets_;
    intrusive_list<curl_transfer> under_way_;
    std::size_t under_way_count_ = 0;
    intrusive_list<transfer_news> news_;
    std::vector<CURL*> spare_;
    std::size_t connections_made_ = 0;
    bool inside_curl_ = false;
};

}  // namespace green::detail
