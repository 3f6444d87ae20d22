#include <green/net/detail/happy_eyeballs.hpp>

#include <green/dns/dns_error.hpp>
#include <green/tasks/timeout.hpp>

#include <system_error>
#include <utility>

namespace green::detail {

task<std::unique_ptr<connection>> happy_eyeballs::run() {
    auto const body = [this](task_group& group) { return drive(group); };
    co_await with_group(body);
    co_return std::move(winner_);
}

task<> happy_eyeballs::drive(task_group& group) {
    ask(group, options_.ask);
    while (!winner_) {
        if (!has_candidate()) {
            if (pending_ == 0 && options_.ask_later == families{false, false}) break;
            if (pending_ == 0) ask(group, std::exchange(options_.ask_later, {false, false}));
            co_await change();
        } else if (now() < not_before_) {
            co_await move_on_after(not_before_ - now(), change());
        } else {
            begin_next(group);
        }
    }
    group.cancel("another address has answered");
}

void happy_eyeballs::ask(task_group& group, families wanted) {
    // RFC 8305, 3: AAAA first.
    if (wanted.v6) group.spawn(look_up(6));
    if (wanted.v4) group.spawn(look_up(4));
    ipv6_pending_ = wanted.v6;
    pending_ += std::size_t{wanted.v6} + std::size_t{wanted.v4};
}

task<> happy_eyeballs::look_up(int family) {
    std::vector<address> found;
    try {
        found = co_await dialer_.look_up(family);
    } catch (const dns_error&) {
        name_errors_[index_of(family)] = std::current_exception();
    }
    if (family == 6) ipv6_pending_ = false;
    // RFC 8305, 3: IPv6 is not waited for when it is there, or known not to come; IPv4 gives it a
    // little time.
    if (attempts_.empty()) wait_for(ipv6_pending_ ? options_.resolution_delay : no_delay);
    found_[index_of(family)].assign(found.begin(), found.end());
    one_ended();
}

void happy_eyeballs::begin_next(task_group& group) {
    attempts_.push_back({take_candidate(), {}});
    wait_for(options_.attempt_delay);
    ++pending_;
    group.spawn(dial(attempts_.size() - 1));
}

/// RFC 8305, 4: the families take turns. Addresses that come late fall in with it.
address happy_eyeballs::take_candidate() {
    if (found_[turn_].empty()) turn_ = 1 - turn_;
    address a = std::move(found_[turn_].front());
    found_[turn_].pop_front();
    turn_ = 1 - turn_;
    return a;
}

task<> happy_eyeballs::dial(std::size_t attempt) {
    try {
        auto made = co_await dialer_.dial(attempts_[attempt].to);
        if (!winner_) winner_ = std::move(made);
    } catch (const std::system_error& e) {
        attempts_[attempt].cause = e.code();
        wait_for(no_delay);
    }
    one_ended();
}

void happy_eyeballs::one_ended() {
    --pending_;
    changed_.set();
}

event::wait_awaitable happy_eyeballs::change() {
    changed_.clear();
    return changed_.wait();
}

}  // namespace green::detail
