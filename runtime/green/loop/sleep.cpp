#include <green/loop/sleep.hpp>

#include <green/core/source_text.hpp>
#include <green/loop/loop_core.hpp>

namespace green {

void sleep_awaitable::start() {
    detail::loop_core& core = *detail::loop_core::current();
    clock::time_point until = deadline();
    if (delay_ == no_delay) {
        if (until <= core.now()) return waiter().wake();
    } else {
        if (delay_.count() <= 0) return waiter().wake();
        until = detail::saturating_add(core.now(), delay_);
    }
    core.timers().arm(*this, until);
}

bool sleep_awaitable::cancel() noexcept {
    detail::loop_core::current()->timers().disarm(*this);
    return true;
}

void sleep_awaitable::expired() noexcept { waiter().wake(); }

void sleep_awaitable::describe(std::string& out) const {
    if (deadline() == clock::time_point::max()) {
        out += "a sleep without end";
        return;
    }
    out += "sleep, " + detail::describe(deadline() - now()) + " left";
}

namespace {
green::task<> as_task(sleep_awaitable s) { co_await s; }
green::task<> as_task(yield_awaitable y) { co_await y; }
}  // namespace

sleep_awaitable::operator green::task<>() const { return as_task(*this); }
yield_awaitable::operator green::task<>() const { return as_task(*this); }

}  // namespace green
