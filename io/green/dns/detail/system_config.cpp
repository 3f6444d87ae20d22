#include <green/dns/detail/system_config.hpp>

#include <green/executor/thread_executor.hpp>
#include <green/loop/loop_core.hpp>

#include <new>
#include <utility>

namespace green::detail {

namespace {

/// Reads big files for the resolvers of one loop.
class file_reader final : public loop_service {
public:
    thread_executor pool{options()};

private:
    static thread_executor_options options() {
        thread_executor_options o;
        o.max_workers = 1;
        o.thread_name_prefix = "green-hosts";
        o.keep_alive = std::chrono::seconds(1);
        o.shutdown_grace = std::chrono::seconds(1);  // a disk that hangs does not keep the run
        return o;
    }
};

/// Null when there is no memory for it.
std::shared_ptr<const hosts_file> read_hosts(const std::string& path) noexcept {
    try {
        return std::make_shared<const hosts_file>(hosts_file::load(path.c_str()));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

}  // namespace

task<> system_config::refresh() {
    clock::time_point const now = clock::now();
    if (now >= next_look_) {
        next_look_ = saturating_add(now, interval);
        look_at_resolv_conf();
        look_at_nsswitch();
        look_at_hosts();
    }
    if (!hosts_ && !reading_.done()) {
        future<hosts_table> const reading = reading_;  // of all who wait for the first one
        co_await reading;
    }
    if (has_news()) take_hosts(std::exchange(reading_, {}).result());
}

std::shared_ptr<const hosts_file> system_config::hosts() const {
    return hosts_ ? hosts_ : std::make_shared<const hosts_file>();
}

void system_config::look_at_resolv_conf() {
    const char* const path = paths_.resolv_conf.c_str();
    bool const first = !resolv_stamp_;
    if (!first && (paths_.resolv_conf.empty() || file_stamp::of(path) == *resolv_stamp_)) return;
    resolv_conf read = load_resolv_conf(path);
    resolv_stamp_ = read.stamp;
    if (first || !(read == resolv_)) ++version_;
    resolv_ = std::move(read);
}

void system_config::look_at_nsswitch() {
    const char* const path = paths_.nsswitch.c_str();
    if (nsswitch_stamp_ && (paths_.nsswitch.empty() || file_stamp::of(path) == *nsswitch_stamp_)) {
        return;
    }
    file_stamp stamp;
    order_ = parse_lookup_order(read_small_file(path, stamp));
    nsswitch_stamp_ = stamp;
}

void system_config::look_at_hosts() {
    if (reading_) return;  // it is looked at again later
    if (hosts_ && paths_.hosts.empty()) return;
    file_stamp const stamp = file_stamp::of(paths_.hosts.c_str());
    if (hosts_ && stamp == hosts_stamp_) return;
    hosts_stamp_ = stamp;
    if (stamp.size <= small_hosts_file) {
        take_hosts(read_hosts(paths_.hosts));
    } else {
        auto& pool = loop_core::require("resolve").service<file_reader>().pool;
        job_options const options{.name = "read the hosts file"};
        reading_ = pool.submit(options, read_hosts, paths_.hosts);
    }
}

/// What could not be read leaves the old table.
void system_config::take_hosts(hosts_table read) {
    if (!read && !hosts_) read = std::make_shared<const hosts_file>();
    if (!read) return;
    hosts_ = std::move(read);
    hosts_stamp_ = hosts_->stamp();
}

}  // namespace green::detail
