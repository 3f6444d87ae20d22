#pragma once

#include <green/core/task.hpp>
#include <green/core/time.hpp>
#include <green/dns/detail/hosts_file.hpp>
#include <green/dns/detail/lookup_order.hpp>
#include <green/dns/detail/resolv_conf.hpp>
#include <green/executor/future.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace green::detail {

/// The files that `system_config` reads. An empty path: as if that file were empty.
struct system_paths {
    std::string resolv_conf;
    std::string hosts;
    std::string nsswitch;

    static system_paths standard() {
        return {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"};
    }
};

/// What this machine's files say about names, read again when they have changed. Nothing happens by
/// itself, no timer runs: whoever is about to look something up asks, which costs one comparison
/// until `interval` has passed and three stat(2) then.
///
///     if (config.due(now())) co_await config.refresh();
///     config.hosts()->lookup(name, family);
///     if (config.version() != seen) ...    // resolv.conf says something else: other servers
///
/// A small file is read where it is asked for. A hosts file over 128 KB is read by a thread, for
/// 100 000 lines take tens of milliseconds; meanwhile lookups go on with the old one, and only
/// before the first one is there they wait. What is replaced is never changed: whoever holds
/// `hosts()` keeps it.
///
/// Belongs to the loop of its first `refresh`. A file that cannot be read counts as empty.
class system_config {
public:
    static constexpr std::chrono::seconds interval{5};
    static constexpr std::uint64_t small_hosts_file = 128 << 10;

    explicit system_config(system_paths paths) : paths_(std::move(paths)) {}

    /// `refresh` has something to do.
    bool due(clock::time_point now) const { return now >= next_look_ || !hosts_ || has_news(); }

    /// Looks at the files. Suspends only while the first hosts file is read and is a big one.
    /// **cancel:** total. This object has to outlive the wait.
    task<> refresh();

    /// The next `refresh` looks, however short ago the last one was.
    void look_again() noexcept { next_look_ = clock::time_point::min(); }

    /// Before the first `refresh` this and what follows is as from empty files.
    const resolv_conf& resolv() const noexcept { return resolv_; }
    const lookup_order& order() const noexcept { return order_; }
    std::shared_ptr<const hosts_file> hosts() const;

    /// Another number whenever `resolv()` says something else. A file that was only touched does not
    /// count.
    std::uint64_t version() const noexcept { return version_; }

private:
    using hosts_table = std::shared_ptr<const hosts_file>;

    bool has_news() const { return reading_ && reading_.done(); }
    void look_at_resolv_conf();
    void look_at_nsswitch();
    void look_at_hosts();
    void take_hosts(hosts_table read);

    system_paths paths_;
    clock::time_point next_look_ = clock::time_point::min();
    resolv_conf resolv_ = parse_resolv_conf({});
    lookup_order order_ = parse_lookup_order({});
    std::optional<file_stamp> resolv_stamp_;  // empty until it was looked at
    std::optional<file_stamp> nsswitch_stamp_;
    hosts_table hosts_;  // null until the first is there
    future<hosts_table> reading_;  // by a thread, now
    file_stamp hosts_stamp_;  // of what is there or is being read
    std::uint64_t version_ = 0;
};

}  // namespace green::detail
