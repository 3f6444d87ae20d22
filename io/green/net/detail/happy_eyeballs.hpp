#pragma once

// Internal: which address of a host answers first.

#include <green/core/task.hpp>
#include <green/dns/detail/local_families.hpp>
#include <green/net/connect_error.hpp>
#include <green/sync/event.hpp>
#include <green/tasks/task_group.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <vector>

namespace green::detail {

/// What the addresses compete for. Closed when it is destroyed.
class connection {
public:
    virtual ~connection() = default;

protected:
    connection() = default;
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
};

/// Where the addresses of a host come from, and how one of them is connected to.
class dialer {
public:
    /// The addresses in one family, 4 or 6, the best first. dns_error: there are none.
    virtual task<std::vector<address>> look_up(int family) = 0;
    /// A connection. std::system_error: not to this address.
    virtual task<std::unique_ptr<connection>> dial(address to) = 0;

protected:
    ~dialer() = default;
};

struct race_options {
    families ask{};  ///< at once
    families ask_later{false, false};  ///< when those have led to nothing
    std::chrono::nanoseconds attempt_delay = std::chrono::milliseconds(250);
    std::chrono::nanoseconds resolution_delay = std::chrono::milliseconds(50);
};

/// Connects to a host as RFC 8305 has it, "Happy Eyeballs" version 2.
///
///     ms   0        40   90       290             340
///     AAAA ├──────────────────────► 2 addresses
///     A    ├────────► 1 address
///                   ├────┤ the resolution delay: IPv6 may still come
///     A 1                ├── dial ────────────────►✗ cancelled, closed
///     AAAA 1                      ┊               ├── refused: the next at once
///     AAAA 2                      ┊               ├── dial ──► connected
///                        ├──────── attempt delay ─┤
///
/// The families take turns, IPv6 first, whatever comes when. One attempt at a time is begun: a delay
/// after the one before, or as soon as one fails. All times are in one variable, `not_before_`.
///
/// Nothing of it is left when `run` returns, throws or is cancelled.
class happy_eyeballs {
public:
    happy_eyeballs(dialer& d, const race_options& options) noexcept
        : dialer_(d), options_(options) {}

    /// The first connection that is made; null when all have failed. What `look_up` and `dial` throw
    /// beside their errors is thrown.
    task<std::unique_ptr<connection>> run();

    /// In the order in which they were begun.
    const std::vector<connect_attempt>& attempts() const noexcept { return attempts_; }
    /// The dns_error of a family; null: it has addresses, or was not asked for.
    std::exception_ptr name_error(int family) const noexcept {
        return name_errors_[index_of(family)];
    }

private:
    static constexpr std::chrono::nanoseconds no_delay{0};

    static constexpr std::size_t index_of(int family) noexcept { return family == 6 ? 0 : 1; }

    task<> drive(task_group& group);
    void ask(task_group& group, families wanted);
    task<> look_up(int family);
    void begin_next(task_group& group);
    task<> dial(std::size_t attempt);
    bool has_candidate() const noexcept { return !found_[0].empty() || !found_[1].empty(); }
    address take_candidate();
    void wait_for(std::chrono::nanoseconds delay) { not_before_ = saturating_add(now(), delay); }
    void one_ended();
    event::wait_awaitable change();

    dialer& dialer_;
    race_options options_;
    std::array<std::deque<address>, 2> found_;  // not tried yet; IPv6, then IPv4
    std::size_t turn_ = 0;  // whose turn it is of these
    std::array<std::exception_ptr, 2> name_errors_;
    std::vector<connect_attempt> attempts_;
    clock::time_point not_before_ = clock::time_point::min();  // the next attempt
    std::size_t pending_ = 0;  // lookups and attempts
    bool ipv6_pending_ = false;  // that lookup
    std::unique_ptr<connection> winner_;
    event changed_;
};

}  // namespace green::detail
