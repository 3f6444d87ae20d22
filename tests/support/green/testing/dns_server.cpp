#include <green/testing/dns_server.hpp>

#include <green/loop/loop_core.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/testing/detail/dns_listener.hpp>
#include <green/testing/detail/dns_script.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace green::testing {

namespace {

using detail::dns_listener;
using detail::dns_peer;
using detail::dns_script;
using detail::lower_case;

task<> call_later(std::chrono::nanoseconds delay, std::function<void()> f) {
    co_await sleep_for(delay);
    f();
}

/// Delays on the clock of the loop that runs.
dns_server::schedule on_loop_clock() {
    return [](std::chrono::nanoseconds delay, std::function<void()> f) {
        spawn({.name = "delayed DNS reply"}, call_later, delay, std::move(f));
    };
}

/// Delays as timers of a libuv loop, for `closed` of which the loop has to run.
class uv_delays {
public:
    explicit uv_delays(uv_loop_t* loop) : loop_(loop) {}
    ~uv_delays() {
        for (timer* const t : timers_) close(*t);
    }
    uv_delays(const uv_delays&) = delete;
    uv_delays& operator=(const uv_delays&) = delete;

    void start(std::chrono::nanoseconds delay, std::function<void()> run) {
        auto* const t = new timer{{}, this, std::move(run)};
        uv_timer_init(loop_, &t->handle);
        t->handle.data = t;
        timers_.insert(t);
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(delay).count();
        uv_timer_start(&t->handle, fired, static_cast<std::uint64_t>(ms), 0);
        uv_unref(reinterpret_cast<uv_handle_t*>(&t->handle));
    }

private:
    struct timer {
        uv_timer_t handle;
        uv_delays* owner;
        std::function<void()> run;
    };

    static void fired(uv_timer_t* handle) {
        auto* const due = static_cast<timer*>(handle->data);
        due->owner->timers_.erase(due);
        due->run();
        close(*due);
    }
    static void close(timer& t) {
        uv_close(reinterpret_cast<uv_handle_t*>(&t.handle), [](uv_handle_t* handle) {
            delete static_cast<timer*>(handle->data);
        });
    }

    uv_loop_t* loop_;
    std::set<timer*> timers_;
};

dns_server::schedule on_timers_of(uv_loop_t* loop) {
    return [delays = std::make_shared<uv_delays>(loop)](
               std::chrono::nanoseconds delay, std::function<void()> f
           ) { delays->start(delay, std::move(f)); };
}

}  // namespace

struct dns_server::state : std::enable_shared_from_this<dns_server::state> {
    using peer = std::shared_ptr<dns_peer>;

    schedule later;
    std::shared_ptr<dns_listener> listener;
    dns_script script;
    std::map<std::pair<std::string, std::uint16_t>, std::size_t> counts;
    std::optional<dns_question> last;
    std::size_t all = 0;
    std::size_t over_tcp = 0;
    std::size_t open_now = 0;
    std::size_t most_open = 0;
    std::size_t lose_every = 0;

    void on_query(std::span<const std::byte> packet, const peer& from) {
        const auto question = dns_question::read(packet);
        if (!question) return;
        count(*question, from->tcp());
        if (lose_every != 0 && all % lose_every == 0) return;
        auto plan = script.serve(*question, from->tcp());
        if (!plan) return;
        const auto delay = plan->delay;
        auto send = [weak = weak_from_this(), from, plan = std::move(*plan)] {
            if (const auto self = weak.lock()) self->reply(plan, *from);
        };
        if (delay > std::chrono::nanoseconds{0})
            later(delay, std::move(send));
        else
            send();
    }

    void count(const dns_question& question, bool tcp) {
        ++all;
        if (tcp) ++over_tcp;
        ++counts[{lower_case(question.name), question.type}];
        last = question;
        most_open = std::max(most_open, ++open_now);
    }

    void reply(const dns_script::plan& plan, dns_peer& to) {
        for (const auto& packet : plan.packets) {
            switch (plan.tcp) {
            case dns_tcp::answers: to.send(packet); break;
            case dns_tcp::in_pieces: to.send_in_pieces(packet); break;
            case dns_tcp::closes: break;
            case dns_tcp::closes_half_way: to.send_half(packet); break;
            }
        }
        const bool hang_up = plan.tcp == dns_tcp::closes || plan.tcp == dns_tcp::closes_half_way;
        if (hang_up) to.hang_up();
        if (open_now > 0) --open_now;
    }
};

dns_server::dns_server(uv_loop_s* loop, schedule later, const green::address& where)
    : state_(std::make_shared<state>()) {
    state_->later = later ? std::move(later) : on_timers_of(loop);
    state_->listener = std::make_shared<dns_listener>(
        loop, where,
        [s = state_.get()](std::span<const std::byte> packet, const state::peer& from) {
            s->on_query(packet, from);
        }
    );
    state_->listener->open();
}

dns_server::dns_server(const green::address& where)
    : dns_server(green::detail::loop_core::require("dns_server").native(), on_loop_clock(), where) {
}

dns_server::~dns_server() { state_->listener->close(); }

green::address dns_server::address() const { return state_->listener->where(); }

void dns_server::script(std::string_view name, std::vector<dns_reply> tries) {
    state_->script.set(name, std::move(tries));
}

void dns_server::answer(
    std::string_view name, const std::vector<std::string>& ips, dns_reply_options options
) {
    script(name, {dns_reply::answer(ips, options)});
}

void dns_server::records(
    std::string_view name, std::vector<dns_record> records, dns_reply_options options
) {
    script(name, {dns_reply::records(std::move(records), options)});
}

void dns_server::alias(std::string_view name, std::string_view target, dns_reply_options options) {
    script(name, {dns_reply::alias(std::string(target), options)});
}

void dns_server::silent(std::string_view name, dns_reply_options options) {
    script(name, {dns_reply::silent(options)});
}

void dns_server::fail(std::string_view name, int rcode, dns_reply_options options) {
    script(name, {dns_reply::fail(rcode, options)});
}

void dns_server::not_found(std::string_view name, dns_reply_options options) {
    script(name, {dns_reply::not_found(options)});
}

void dns_server::no_data(std::string_view name, dns_reply_options options) {
    script(name, {dns_reply::no_data(options)});
}

void dns_server::garbage(std::string_view name, std::string_view bytes, dns_reply_options options) {
    script(name, {dns_reply::garbage(bytes, options)});
}

void dns_server::lose_every(std::size_t n) { state_->lose_every = n; }

std::size_t dns_server::queries() const { return state_->all; }

std::size_t dns_server::queries(std::string_view name) const {
    const auto key = lower_case(name);
    std::size_t sum = 0;
    const auto first = state_->counts.lower_bound({key, 0});
    for (auto i = first; i != state_->counts.end() && i->first.first == key; ++i) sum += i->second;
    return sum;
}

std::size_t dns_server::queries(std::string_view name, std::uint16_t type) const {
    const auto found = state_->counts.find({lower_case(name), type});
    return found == state_->counts.end() ? 0 : found->second;
}

std::size_t dns_server::tcp_queries() const { return state_->over_tcp; }

std::size_t dns_server::connections() const { return state_->listener->connections(); }

std::size_t dns_server::unanswered() const { return state_->open_now; }

std::size_t dns_server::most_unanswered() const { return state_->most_open; }

std::optional<dns_question> dns_server::last_question() const { return state_->last; }

void dns_server::reset_counters() {
    state_->counts.clear();
    state_->last.reset();
    state_->all = state_->over_tcp = state_->open_now = state_->most_open = 0;
}

resolver_config only(const dns_server& server) {
    resolver_config config;
    config.servers = {server.address()};
    config.sort_addresses = false;  // this machine has no say in a test
    return config;
}

}  // namespace green::testing
