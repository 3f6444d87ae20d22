#include <green/testing/dns_server.hpp>

#include <green/loop/loop_core.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/testing/dns_script.hpp>

#include <uv.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace green::testing {

namespace {

template <class Handle>
uv_handle_t* handle_of(Handle& h) {
    return reinterpret_cast<uv_handle_t*>(&h);
}

/// A UDP and a TCP socket on one free port of 127.0.0.1. A port that is free for the one may be
/// taken for the other, hence the tries.
std::pair<int, int> bind_pair(green::address& where) {
    const auto any = green::address::parse("127.0.0.1");
    for (int tries = 0; tries < 20; ++tries) {
        const int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_storage name;
        socklen_t size = sizeof name;
        if (bind(udp, any.data(), any.size()) == 0 &&
            getsockname(udp, reinterpret_cast<sockaddr*>(&name), &size) == 0) {
            where = green::address::from_sockaddr(reinterpret_cast<sockaddr*>(&name), size);
            if (bind(tcp, where.data(), where.size()) == 0) return {udp, tcp};
        }
        close(udp);
        close(tcp);
    }
    throw std::runtime_error("DNS test server: no free port on 127.0.0.1");
}

task<> call_later(std::chrono::nanoseconds delay, std::function<void()> f) {
    co_await sleep_for(delay);
    f();
}

}  // namespace

struct dns_server::state : std::enable_shared_from_this<dns_server::state> {
    struct timer {
        uv_timer_t handle;
        state* owner;
        std::function<void()> run;
    };

    struct connection : std::enable_shared_from_this<connection> {
        uv_tcp_t handle;
        state* owner;
        std::vector<std::byte> input;
        std::shared_ptr<connection> self;  // until it is closed
        bool closing = false;
    };

    uv_loop_t* loop = nullptr;
    schedule later;
    uv_udp_t udp;
    uv_tcp_t listener;
    green::address where;
    dns_script script;
    std::set<timer*> timers;
    std::set<connection*> connections;
    std::map<std::pair<std::string, std::uint16_t>, std::size_t> counts;
    std::size_t all = 0;
    std::size_t over_tcp = 0;
    std::size_t open_now = 0;
    std::size_t most_open = 0;
    std::shared_ptr<state> self;  // until the last handle is closed
    std::size_t handles = 0;
    bool closing = false;
    std::array<char, 65536> buffer;

    void open();
    void close();
    void one_closed();
    void after(std::chrono::nanoseconds delay, std::function<void()> run);
    void count(const dns_question& question, bool tcp);
    void count_reply();
    void on_datagram(std::span<const std::byte> packet, const sockaddr* from);
    void on_connection();
    static void on_input(uv_stream_t* stream, ssize_t size, const uv_buf_t* buf);
    void on_message(connection& c, std::span<const std::byte> packet);
    static void send(connection& c, const std::vector<std::byte>& packet);
    void hang_up(connection& c);
};

// ---- life

void dns_server::state::open() {
    const auto [udp_fd, tcp_fd] = bind_pair(where);
    uv_udp_init(loop, &udp);
    uv_tcp_init(loop, &listener);
    udp.data = listener.data = this;
    uv_unref(handle_of(udp));
    uv_unref(handle_of(listener));
    handles = 2;
    self = shared_from_this();
    uv_udp_open(&udp, udp_fd);
    uv_tcp_open(&listener, tcp_fd);
    uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 128, [](uv_stream_t* s, int error) {
        if (error == 0) static_cast<state*>(s->data)->on_connection();
    });
    uv_udp_recv_start(
        &udp,
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buf) {
            auto& s = *static_cast<state*>(handle->data);
            *buf = uv_buf_init(s.buffer.data(), static_cast<unsigned>(s.buffer.size()));
        },
        [](uv_udp_t* handle, ssize_t size, const uv_buf_t* buf, const sockaddr* from, unsigned) {
            if (size <= 0 || !from) return;
            const auto data = reinterpret_cast<const std::byte*>(buf->base);
            static_cast<state*>(handle->data)
                ->on_datagram({data, static_cast<std::size_t>(size)}, from);
        }
    );
}

void dns_server::state::close() {
    closing = true;
    const auto closed = [](uv_handle_t* handle) {
        static_cast<state*>(handle->data)->one_closed();
    };
    uv_close(handle_of(udp), closed);
    uv_close(handle_of(listener), closed);
    for (timer* const t : std::exchange(timers, {})) {
        uv_close(handle_of(t->handle), [](uv_handle_t* handle) {
            const std::unique_ptr<timer> gone(static_cast<timer*>(handle->data));
            gone->owner->one_closed();
        });
    }
    for (connection* const c : std::set<connection*>(connections)) hang_up(*c);
}

void dns_server::state::one_closed() {
    if (--handles == 0 && closing) self.reset();
}

void dns_server::state::after(std::chrono::nanoseconds delay, std::function<void()> run) {
    if (delay <= std::chrono::nanoseconds{0}) {
        run();
    } else if (later) {
        later(delay, std::move(run));
    } else {
        auto* const t = new timer{{}, this, std::move(run)};
        uv_timer_init(loop, &t->handle);
        t->handle.data = t;
        timers.insert(t);
        ++handles;
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(delay).count();
        uv_timer_start(
            &t->handle,
            [](uv_timer_t* handle) {
                auto* const due = static_cast<timer*>(handle->data);
                due->owner->timers.erase(due);
                due->run();
                uv_close(handle_of(*handle), [](uv_handle_t* h) {
                    const std::unique_ptr<timer> gone(static_cast<timer*>(h->data));
                    gone->owner->one_closed();
                });
            },
            static_cast<std::uint64_t>(ms), 0
        );
        uv_unref(handle_of(t->handle));
    }
}

// ---- questions

void dns_server::state::count(const dns_question& question, bool tcp) {
    ++all;
    if (tcp) ++over_tcp;
    ++counts[{lower_case(question.name), question.type}];
    most_open = std::max(most_open, ++open_now);
}

void dns_server::state::count_reply() {
    if (open_now > 0) --open_now;
}

void dns_server::state::on_datagram(std::span<const std::byte> packet, const sockaddr* from) {
    const auto question = dns_question::read(packet);
    if (!question) return;
    count(*question, false);
    auto reply = script.reply_to(*question, false);
    if (!reply) return;
    const auto to = green::address::from_sockaddr(from, sizeof(sockaddr_in));
    auto send = [weak = weak_from_this(), to, bytes = std::move(reply->packet)] {
        const auto s = weak.lock();
        if (!s || s->closing) return;
        const auto base = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
        const uv_buf_t buf = uv_buf_init(base, static_cast<unsigned>(bytes.size()));
        // A full socket loses the reply, as a network does.
        uv_udp_try_send(&s->udp, &buf, 1, to.data());
        s->count_reply();
    };
    after(reply->delay, std::move(send));
}

void dns_server::state::on_connection() {
    auto c = std::make_shared<connection>();
    c->owner = this;
    uv_tcp_init(loop, &c->handle);
    c->handle.data = c.get();
    c->self = c;
    ++handles;
    connections.insert(c.get());
    uv_unref(handle_of(c->handle));
    auto* const stream = reinterpret_cast<uv_stream_t*>(&c->handle);
    const auto give_buffer = [](uv_handle_t* handle, std::size_t, uv_buf_t* buf) {
        state& s = *static_cast<connection*>(handle->data)->owner;
        *buf = uv_buf_init(s.buffer.data(), static_cast<unsigned>(s.buffer.size()));
    };
    const bool accepted = uv_accept(reinterpret_cast<uv_stream_t*>(&listener), stream) == 0;
    if (!accepted || uv_read_start(stream, give_buffer, on_input) != 0) hang_up(*c);
}

void dns_server::state::on_input(uv_stream_t* stream, ssize_t size, const uv_buf_t* buf) {
    auto& c = *static_cast<connection*>(stream->data);
    if (size < 0) {
        c.owner->hang_up(c);
        return;
    }
    const auto data = reinterpret_cast<const std::byte*>(buf->base);
    c.input.insert(c.input.end(), data, data + size);
    while (!c.closing && c.input.size() >= 2) {
        const auto length = std::to_integer<std::size_t>(c.input[0]) << 8 |
            std::to_integer<std::size_t>(c.input[1]);
        if (c.input.size() < 2 + length) return;
        const std::vector<std::byte> packet(
            c.input.begin() + 2, c.input.begin() + 2 + static_cast<std::ptrdiff_t>(length)
        );
        c.input.erase(c.input.begin(), c.input.begin() + 2 + static_cast<std::ptrdiff_t>(length));
        c.owner->on_message(c, packet);
    }
}

void dns_server::state::on_message(connection& c, std::span<const std::byte> packet) {
    const auto question = dns_question::read(packet);
    if (!question) return;
    count(*question, true);
    auto reply = script.reply_to(*question, true);
    if (!reply) return;
    auto answer = [weak = c.weak_from_this(), bytes = std::move(reply->packet)] {
        const auto to = weak.lock();
        if (!to || to->closing) return;
        send(*to, bytes);
        to->owner->count_reply();
    };
    after(reply->delay, std::move(answer));
}

void dns_server::state::send(connection& c, const std::vector<std::byte>& packet) {
    struct request {
        uv_write_t write;
        std::string bytes;
    };
    auto* const r = new request;
    r->write.data = r;
    r->bytes += static_cast<char>(packet.size() >> 8);
    r->bytes += static_cast<char>(packet.size() & 0xff);
    r->bytes.append(reinterpret_cast<const char*>(packet.data()), packet.size());
    const uv_buf_t buf = uv_buf_init(r->bytes.data(), static_cast<unsigned>(r->bytes.size()));
    auto* const stream = reinterpret_cast<uv_stream_t*>(&c.handle);
    const int status = uv_write(&r->write, stream, &buf, 1, [](uv_write_t* write, int) {
        delete static_cast<request*>(write->data);
    });
    if (status != 0) delete r;
}

void dns_server::state::hang_up(connection& c) {
    if (c.closing) return;
    c.closing = true;
    connections.erase(&c);
    uv_close(handle_of(c.handle), [](uv_handle_t* handle) {
        const auto gone = std::move(static_cast<connection*>(handle->data)->self);
        gone->owner->one_closed();
    });
}

// ---- for the test

dns_server::dns_server(uv_loop_s* loop, schedule later) : state_(std::make_shared<state>()) {
    state_->loop = loop;
    state_->later = std::move(later);
    state_->open();
}

dns_server::dns_server()
    : dns_server(
          detail::loop_core::require("dns_server").native(),
          [](std::chrono::nanoseconds delay, std::function<void()> f) {
              spawn({.name = "delayed DNS reply"}, call_later, delay, std::move(f));
          }
      ) {}

dns_server::~dns_server() { state_->close(); }

green::address dns_server::address() const { return state_->where; }

void dns_server::answer(
    std::string_view name, const std::vector<std::string>& ips, dns_reply_options options
) {
    dns_script::rule r;
    r.what = dns_script::action::answer;
    for (const auto& ip : ips) r.ips.push_back(green::address::parse(ip));
    r.options = options;
    state_->script.set(name, std::move(r));
}

void dns_server::alias(std::string_view name, std::string_view target, dns_reply_options options) {
    state_->script.set(name, {dns_script::action::alias, {}, std::string(target), 0, options});
}

void dns_server::silent(std::string_view name, dns_reply_options options) {
    state_->script.set(name, {dns_script::action::silent, {}, {}, 0, options});
}

void dns_server::fail(std::string_view name, int rcode, dns_reply_options options) {
    state_->script.set(name, {dns_script::action::fail, {}, {}, rcode, options});
}

void dns_server::not_found(std::string_view name, dns_reply_options options) {
    fail(name, rcode_not_found, options);
}

void dns_server::no_data(std::string_view name, dns_reply_options options) {
    answer(name, {}, options);
}

void dns_server::garbage(std::string_view name, std::string_view bytes, dns_reply_options options) {
    state_->script.set(name, {dns_script::action::garbage, {}, std::string(bytes), 0, options});
}

std::size_t dns_server::queries() const { return state_->all; }

std::size_t dns_server::queries(std::string_view name) const {
    const auto key = lower_case(name);
    std::size_t sum = 0;
    for (const auto& [asked, count] : state_->counts) {
        if (asked.first == key) sum += count;
    }
    return sum;
}

std::size_t dns_server::queries(std::string_view name, std::uint16_t type) const {
    const auto found = state_->counts.find({lower_case(name), type});
    return found == state_->counts.end() ? 0 : found->second;
}

std::size_t dns_server::tcp_queries() const { return state_->over_tcp; }

std::size_t dns_server::unanswered() const { return state_->open_now; }

std::size_t dns_server::most_unanswered() const { return state_->most_open; }

void dns_server::reset_counters() {
    state_->counts.clear();
    state_->all = state_->over_tcp = state_->open_now = state_->most_open = 0;
}

resolver_config only(const dns_server& server) {
    resolver_config config;
    config.servers = {server.address()};
    return config;
}

}  // namespace green::testing
