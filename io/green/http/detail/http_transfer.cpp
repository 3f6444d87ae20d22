#include <green/http/detail/http_transfer.hpp>

#include <green/core/errors.hpp>
#include <green/http/detail/http_text.hpp>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace green::detail {

http_transfer::http_transfer(
    loop_core& loop, identity who, std::size_t max_body, clock::time_point deadline
)
    : loop_(loop), who_(std::move(who)), limit_(*this, deadline), body_left_(max_body) {}

http_transfer::~http_transfer() {
    if (limit_.armed()) loop_.timers().disarm(limit_);
}

// --- tasks

http_wait http_transfer::until(http_wish wish) { return {shared_from_this(), wish}; }

void http_transfer::check() const {
    if (failure_) std::rethrow_exception(failure_);
}

std::string http_transfer::take_body() {
    std::string taken = body_.take_all();
    after_taking();
    return taken;
}

std::size_t http_transfer::take_body(std::span<std::byte> into) {
    std::size_t const size = body_.take(into);
    if (body_.empty()) after_taking();
    return size;
}

void http_transfer::after_taking() noexcept {
    if (std::exchange(receiving_paused_, false) && !ended_) resume_receiving();
}

void http_transfer::supply(std::string piece) {
    if (ended_ || !uploads_) return;
    if (piece.empty()) upload_ends_ = true;
    piece_ = std::move(piece);
    piece_sent_ = 0;
    wants_piece_ = false;
    if (std::exchange(sending_paused_, false)) resume_sending();
}

void http_transfer::abort(std::exception_ptr error) noexcept {
    body_ = {};
    if (ended_) {
        if (!failure_) failure_ = std::move(error);
        return;
    }
    stop();
    end(std::move(error));
    tell();
}

// --- the limit of time

void http_transfer::arm_deadline() { loop_.timers().arm_limit(limit_, limit_.deadline()); }

void http_transfer::out_of_time() noexcept {
    stop();
    fail(http::errc::timeout, "the limit of time ran out");
    end(nullptr);
    tell();
}

// --- the engine's side

bool http_transfer::take_header(std::string_view line) noexcept {
    if (head_done_) return true;  // trailer fields
    head_bytes_ += line.size();
    if (head_bytes_ > longest_head) {
        fail(http::errc::bad_response, "the header fields are larger than 256 KiB");
        return false;
    }
    try {
        parse_header(line);
        return true;
    } catch (const std::invalid_argument&) {
        fail(http::errc::bad_response, "a header field that is none");
    } catch (...) {
        failure_ = std::current_exception();
    }
    return false;
}

void http_transfer::parse_header(std::string_view line) {
    std::string_view const text = trimmed(line);
    if (line.starts_with("HTTP/")) return begin_head(text);
    if (text.empty()) {
        // Those of 1xx come before the response (RFC 9110, 15.2).
        head_done_ = head_.status >= 200;
        if (!head_done_) return;
        // libcurl sends no more, but waits to be told that there would be no more.
        if (head_.status >= 400 && std::exchange(uploads_, false)) upload_ends_ = true;
        has_news();
        return;
    }
    auto const colon = text.find(':');
    // Before a colon, no name; and no lines are continued any more (RFC 9112, 5.2).
    if (colon == std::string_view::npos || line.front() == ' ' || line.front() == '\t') return;
    head_.fields.add(text.substr(0, colon), trimmed(text.substr(colon + 1)));
}

/// `HTTP/1.1 404 Not Found`
void http_transfer::begin_head(std::string_view line) {
    head_ = {};
    auto const space = std::min(line.find(' '), line.size());
    head_.version = line.substr(0, space);
    line = trimmed(line.substr(space));
    auto const number = std::from_chars(line.data(), line.data() + line.size(), head_.status);
    line.remove_prefix(static_cast<std::size_t>(number.ptr - line.data()));
    head_.reason = trimmed(line);
    if (head_.reason.empty()) head_.reason = standard_reason(head_.status);
}

http_transfer::taken http_transfer::take_data(std::string_view data) noexcept {
    if (body_.size() >= body_room) {
        receiving_paused_ = true;
        return taken::no_room;
    }
    if (data.size() > body_left_) {
        fail(http::errc::too_large, "the body is larger than the limit");
        return taken::fails;
    }
    try {
        body_.append(data);
    } catch (...) {
        failure_ = std::current_exception();
        return taken::fails;
    }
    body_left_ -= data.size();
    has_news();
    return taken::yes;
}

std::size_t http_transfer::give_data(std::span<char> into) noexcept {
    std::size_t const size = std::min(into.size(), piece_.size() - piece_sent_);
    if (size > 0) {
        std::memcpy(into.data(), piece_.data() + piece_sent_, size);
        piece_sent_ += size;
        return size;
    }
    has_news();
    if (upload_ends_) {
        uploads_ = false;
        return 0;
    }
    wants_piece_ = sending_paused_ = true;
    return none_yet;
}

void http_transfer::fail(http::errc code, std::string_view cause) noexcept {
    if (failure_) return;
    try {
        failure_ = std::make_exception_ptr(http::error(code, method(), url(), cause));
    } catch (...) {  // out of memory
        failure_ = std::current_exception();
    }
}

void http_transfer::end(std::exception_ptr error) noexcept {
    if (ended_) return;
    ended_ = true;
    uploads_ = false;
    if (limit_.armed()) loop_.timers().disarm(limit_);
    if (!failure_) failure_ = std::move(error);
    if (!failure_ && !head_done_) fail(http::errc::bad_response, "no status line");
}

bool http_transfer::come_true(http_wish wish) const noexcept {
    if (ended_) return true;
    switch (wish) {
    case http_wish::head: return head_done_ && !uploads_;
    case http_wish::piece: return wants_piece_ || !uploads_;
    case http_wish::body: break;
    }
    return !body_.empty();
}

void http_transfer::tell() noexcept {
    if (upload_ends_ && !ended_ && std::exchange(sending_paused_, false)) resume_sending();
    for (http_wait*& slot : waiting_) {
        if (slot && come_true(slot->wish_)) std::exchange(slot, nullptr)->waiter().wake();
    }
}

// --- waiting

bool http_wait::ready() {
    if (&transfer_->loop_ != loop_core::current())
        throw std::logic_error("green: http: the response belongs to another loop");
    if (transfer_->waiting(wish_)) {
        std::string text = "green: ";
        describe(text);
        throw std::logic_error(text + ": another task waits for the same");
    }
    return transfer_->come_true(wish_);
}

bool http_wait::cancel() noexcept {
    assert(transfer_->waiting(wish_) == this);
    transfer_->waiting(wish_) = nullptr;
    return true;
}

void http_wait::describe(std::string& out) const {
    static constexpr const char* words[] = {": the response", ": to send more", ": the body"};
    out += transfer_->method();
    out += ' ';
    out += transfer_->url();
    out += words[static_cast<std::size_t>(wish_)];
}

}  // namespace green::detail
