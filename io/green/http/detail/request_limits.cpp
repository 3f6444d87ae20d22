#include <green/http/detail/request_limits.hpp>

#include <utility>

namespace green::detail {

request_limits::request_limits(std::size_t total, std::size_t per_host)
    : per_host_(per_host), total_(total) {}

task<> request_limits::enter(place& p) {
    p.host_ = co_await p.at_->second.free.acquire();
    p.total_ = co_await total_.acquire();
}

bool request_limits::try_enter(place& p) {
    auto host = p.at_->second.free.try_acquire();
    if (!host) return false;
    p.total_ = total_.try_acquire();
    if (!p.total_) return false;
    p.host_ = std::move(host);
    return true;
}

request_limits::place::place(request_limits& limits, const std::string& origin)
    : limits_(&limits), at_(limits.hosts_.try_emplace(origin, limits.per_host_).first) {
    ++at_->second.users;
}

request_limits::place::place(place&& other) noexcept
    : limits_(std::exchange(other.limits_, nullptr)),
      at_(other.at_),
      host_(std::move(other.host_)),
      total_(std::move(other.total_)) {}

request_limits::place& request_limits::place::operator=(place&& other) noexcept {
    if (this != &other) {
        leave();
        limits_ = std::exchange(other.limits_, nullptr);
        at_ = other.at_;
        host_ = std::move(other.host_);
        total_ = std::move(other.total_);
    }
    return *this;
}

void request_limits::place::leave() noexcept {
    if (!limits_) return;
    total_.release();
    host_.release();
    if (--at_->second.users == 0) limits_->hosts_.erase(at_);
    limits_ = nullptr;
}

}  // namespace green::detail
