#pragma once

// Internal: one request and its response, as far as it is no business of libcurl's.

#include <green/core/leaf.hpp>
#include <green/http/error.hpp>
#include <green/http/header_list.hpp>
#include <green/loop/loop_core.hpp>
#include <green/net/detail/read_ahead.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace green::detail {

//  response ──► http_transfer ◄── curl_transfer, its derived class, on the engine
//                ├─ head: status line and fields
//                ├─ body: what has come and has not been read  ──► a task that reads
//                ├─ upload: the piece that is being sent       ◄── a task that has a stream
//                └─ failure, end
//
// libcurl's callbacks only store, with the functions under "the engine's side". `tell()`, which wakes
// tasks, is called when libcurl has returned. A task calls libcurl, through the virtual functions, only
// from where it runs: never under one of its callbacks.

class http_wait;

/// What a task can wait for.
enum class http_wish : std::uint8_t {
    head,  ///< the response has begun, and the upload is over
    piece,  ///< the next piece of the upload is wanted, or none any more
    body,  ///< bytes, or their end
};

struct http_head {
    int status = 0;
    std::string version;
    std::string reason;
    http::header_list fields;
};

class http_transfer : public std::enable_shared_from_this<http_transfer> {
public:
    /// So much is kept for a reader before the server has to wait.
    static constexpr std::size_t body_room = std::size_t{64} << 10;
    static constexpr std::size_t longest_head = std::size_t{256} << 10;

    struct identity {
        std::string method;
        std::string url;  // without user and password
    };

    http_transfer(loop_core& loop, identity who, std::size_t max_body, clock::time_point deadline);
    http_transfer(const http_transfer&) = delete;
    http_transfer& operator=(const http_transfer&) = delete;
    virtual ~http_transfer();

    const std::string& method() const noexcept { return who_.method; }
    const std::string& url() const noexcept { return who_.url; }
    const http_head& head() const noexcept { return head_; }
    clock::time_point deadline() const noexcept { return limit_.deadline(); }
    bool has_head() const noexcept { return head_done_; }
    bool ended() const noexcept { return ended_; }
    bool wants_piece() const noexcept { return wants_piece_ && !ended_; }

    // --- tasks
    http_wait until(http_wish wish);
    /// Throws what has become of the transfer, if that was bad.
    void check() const;
    /// All that has come, or as much as there is room for.
    std::string take_body();
    std::size_t take_body(std::span<std::byte> into);
    /// The next piece of the upload; an empty one is its end.
    void supply(std::string piece);
    /// Ends it, if it has not, and forgets what has not been read; who waits gets `error`.
    void abort(std::exception_ptr error) noexcept;

protected:
    /// From now on; `deadline` was given to the constructor. To be called when it is owned.
    void arm_deadline();

    // --- the engine's side
    /// One line, with its end. False: it must not go on.
    bool take_header(std::string_view line) noexcept;
    enum class taken : std::uint8_t { yes, no_room, fails };
    taken take_data(std::string_view data) noexcept;
    /// Bytes for the server; `none_yet` when there are none, 0 when there will never be one.
    static constexpr std::size_t none_yet = static_cast<std::size_t>(-1);
    std::size_t give_data(std::span<char> into) noexcept;
    /// It is over: well if `error` is null and there was no failure of its own.
    void end(std::exception_ptr error) noexcept;
    bool failed() const noexcept { return failure_ != nullptr; }
    /// Wakes the tasks whose wish has come true.
    void tell() noexcept;

    void expect_upload() noexcept { uploads_ = true; }

private:
    friend http_wait;

    /// `tell()` is due, as soon as libcurl has returned.
    virtual void has_news() noexcept = 0;
    /// libcurl may call back from these.
    virtual void resume_receiving() noexcept = 0;
    virtual void resume_sending() noexcept = 0;
    /// libcurl is to forget it.
    virtual void stop() noexcept = 0;

    struct limit_timer final : timer {
        limit_timer(http_transfer& t, clock::time_point deadline) noexcept
            : timer(deadline), transfer(t) {}
        void expired() noexcept override { transfer.out_of_time(); }
        http_transfer& transfer;
    };

    http_wait*& waiting(http_wish w) noexcept { return waiting_[static_cast<std::size_t>(w)]; }
    bool come_true(http_wish wish) const noexcept;
    void parse_header(std::string_view line);
    void begin_head(std::string_view line);
    void fail(http::errc code, std::string_view cause) noexcept;
    void after_taking() noexcept;
    void out_of_time() noexcept;

    loop_core& loop_;
    identity who_;
    limit_timer limit_;

    http_head head_;
    std::size_t head_bytes_ = 0;
    bool head_done_ = false;

    read_ahead body_;
    std::size_t body_left_;  // may still come
    bool receiving_paused_ = false;

    std::string piece_;
    std::size_t piece_sent_ = 0;
    bool uploads_ = false;  // and the end of it has not been sent
    bool upload_ends_ = false;
    bool wants_piece_ = false;
    bool sending_paused_ = false;

    bool ended_ = false;
    std::exception_ptr failure_;
    std::array<http_wait*, 3> waiting_{};
};

/// `co_await t->until(http_wish::body)`. **cancel:** total. std::logic_error if another task waits for
/// the same.
class http_wait final : public leaf {
public:
    http_wait(std::shared_ptr<http_transfer> t, http_wish wish) noexcept
        : transfer_(std::move(t)), wish_(wish) {}
    http_wait(const http_wait& o) noexcept : leaf(), transfer_(o.transfer_), wish_(o.wish_) {}
    http_wait& operator=(const http_wait&) = delete;

    bool ready();
    void start() noexcept { transfer_->waiting(wish_) = this; }
    void result() const noexcept {}
    bool cancel() noexcept override;
    void describe(std::string& out) const override;

private:
    friend http_transfer;
    std::shared_ptr<http_transfer> transfer_;
    http_wish wish_;
};

}  // namespace green::detail
