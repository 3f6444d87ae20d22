#include <green/http/response.hpp>

#include <green/core/errors.hpp>
#include <green/http/detail/http_transfer.hpp>
#include <green/http/error.hpp>

#include <exception>
#include <utility>

namespace green::http {
namespace {

using detail::http_transfer;
using detail::http_wish;

// They hold the transfer: the response may move or go while they wait.

task<std::string> read_from(std::shared_ptr<http_transfer> t) {
    co_await t->until(http_wish::body);
    std::string bytes = t->take_body();
    if (bytes.empty()) t->check();
    co_return bytes;
}

task<std::size_t> read_into(std::shared_ptr<http_transfer> t, std::span<std::byte> into) {
    co_await t->until(http_wish::body);
    std::size_t const size = t->take_body(into);
    if (size == 0) t->check();
    co_return size;
}

task<std::string> read_all(std::shared_ptr<http_transfer> t, std::size_t limit) {
    std::string all;
    for (;;) {
        std::string piece = co_await read_from(t);
        if (piece.empty()) co_return all;
        if (piece.size() > limit - all.size())
            throw error(
                errc::too_large, t->method(), t->url(), "the body is larger than the limit"
            );
        if (all.empty())
            all = std::move(piece);
        else
            all += piece;
    }
}

std::exception_ptr closed(const http_transfer& t) noexcept {
    try {
        std::string const what = t.method() + ' ' + t.url() + ": the response was closed";
        return std::make_exception_ptr(closed_error(what));
    } catch (...) {  // out of memory
        return std::current_exception();
    }
}

}  // namespace

response::response(std::shared_ptr<http_transfer> transfer) noexcept
    : transfer_(std::move(transfer)) {}

response& response::operator=(response&& other) noexcept {
    std::swap(transfer_, other.transfer_);
    if (this != &other) other.close();
    return *this;
}

response::~response() {
    if (transfer_ && !transfer_->ended()) close();
}

void response::close() noexcept {
    if (transfer_) transfer_->abort(closed(*transfer_));
}

int response::status() const noexcept { return transfer_->head().status; }
const std::string& response::reason() const noexcept { return transfer_->head().reason; }
const std::string& response::version() const noexcept { return transfer_->head().version; }
const header_list& response::headers() const noexcept { return transfer_->head().fields; }
const std::string& response::url() const noexcept { return transfer_->url(); }

void response::raise_for_status() const {
    if (status() >= 400) throw error(transfer_->method(), url(), status(), reason());
}

task<std::string> response::read() { return read_from(transfer_); }
task<std::size_t> response::read_some(std::span<std::byte> into) {
    return read_into(transfer_, into);
}
task<std::string> response::text(std::size_t limit) { return read_all(transfer_, limit); }

}  // namespace green::http
