// What looking names up costs a program in plain C style on c-ares and libuv: ares_query, a window of 256
// in flight, a name that ends starts the next one. No cache, no retries, no hosts file, no sorting.

#include "../dns.hpp"

#include "../measure.hpp"

#include <ares.h>
#include <uv.h>

#include <cstdlib>

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>

namespace {

constexpr std::size_t window = 256;

class asker {
public:
    explicit asker(const char* zone) : zone_(zone) {
        uv_loop_init(&loop_);
        uv_timer_init(&loop_, &tick_);
        tick_.data = this;
        char lookups[] = "b";
        ares_options options{};
        options.flags = ARES_FLAG_STAYOPEN | ARES_FLAG_NOCHECKRESP;
        options.timeout = 5000;
        options.tries = 4;
        options.lookups = lookups;
        options.socket_receive_buffer_size = 1 << 20;
        options.sock_state_cb = on_socket;
        options.sock_state_cb_data = this;
        int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
            ARES_OPT_SOCK_RCVBUF | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
        mask |= ARES_OPT_QUERY_CACHE;
#endif
        if (ares_init_options(&channel_, &options, mask) != ARES_SUCCESS) std::abort();
        if (ares_set_servers_ports_csv(channel_, bench::dns_server().c_str()) != ARES_SUCCESS) {
            std::abort();
        }
    }
    ~asker() {
        ares_destroy(channel_);
        uv_close(reinterpret_cast<uv_handle_t*>(&tick_), nullptr);
        uv_run(&loop_, UV_RUN_DEFAULT);
        uv_loop_close(&loop_);
    }

    /// Nanoseconds for `names` names, A and with `both` AAAA too.
    double run(std::size_t names, bool both) {
        auto const start = bench::wall_ns();

        end_ = next_ + names;
        both_ = both;
        uv_timer_start(
            &tick_,
            [](uv_timer_t* t) {
                auto& self = *static_cast<asker*>(t->data);
                ares_process_fd(self.channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
                self.fill();
            },
            50, 50
        );
        fill();
        uv_run(&loop_, UV_RUN_DEFAULT);
        if (failed_ != 0) std::abort();
        return static_cast<double>(bench::wall_ns() - start);
    }

private:
    void fill() {
        while (in_flight_ < window && next_ != end_) {
            auto const name = bench::dns_name(next_++ % 1'000'000, zone_);
            ask(name, ns_t_a);
            if (both_) ask(name, ns_t_aaaa);
        }
        if (in_flight_ == 0 && next_ == end_) uv_timer_stop(&tick_);
    }

    void ask(const std::string& name, int type) {
        ++in_flight_;
        auto* const done = type == ns_t_a ? on_answer<AF_INET> : on_answer<AF_INET6>;
        ares_query(channel_, name.c_str(), ns_c_in, type, done, this);
    }

    template <int Family>
    static void on_answer(void* arg, int status, int, unsigned char* data, int size) {
        auto& self = *static_cast<asker*>(arg);
        --self.in_flight_;
        hostent* host = nullptr;
        int count = 1;
        if (status == ARES_SUCCESS && Family == AF_INET) {
            ares_addrttl address;
            status = ares_parse_a_reply(data, size, &host, &address, &count);
        } else if (status == ARES_SUCCESS) {
            ares_addr6ttl address;
            status = ares_parse_aaaa_reply(data, size, &host, &address, &count);
        }
        if (host) ares_free_hostent(host);
        if (status != ARES_SUCCESS || count != 1) ++self.failed_;
    }

    static void on_socket(void* arg, ares_socket_t fd, int readable, int writable) {
        auto& self = *static_cast<asker*>(arg);
        int const events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
        if (events == 0) {
            uv_poll_stop(self.poll_);
            uv_close(reinterpret_cast<uv_handle_t*>(self.poll_), [](uv_handle_t* h) {
                delete reinterpret_cast<uv_poll_t*>(h);
            });
            self.poll_ = nullptr;
            return;
        }
        if (!self.poll_) {
            self.poll_ = new uv_poll_t;
            self.poll_->data = &self;
            uv_poll_init(&self.loop_, self.poll_, fd);
            uv_unref(reinterpret_cast<uv_handle_t*>(self.poll_));
        }
        uv_poll_start(self.poll_, events, [](uv_poll_t* p, int, int) {
            auto& polled = *static_cast<asker*>(p->data);
            int socket = 0;
            uv_fileno(reinterpret_cast<uv_handle_t*>(p), &socket);
            ares_process_fd(polled.channel_, socket, ARES_SOCKET_BAD);
            polled.fill();
        });
    }

    const char* const zone_;
    uv_loop_t loop_;
    uv_timer_t tick_;
    uv_poll_t* poll_ = nullptr;
    ares_channel channel_ = nullptr;
    std::size_t in_flight_ = 0;
    std::size_t next_ = 0;
    std::size_t end_ = 0;
    std::size_t failed_ = 0;
    bool both_ = false;
};

void figure(const bench::program& out, const char* name, std::size_t names, bool both) {
    if (!out.wants(name)) return;
    asker a("bench.test");
    double best = std::numeric_limits<double>::max();
    for (int s = bench::dns_slices(out.slices(), names); s > 0; --s) {
        best = std::min(best, a.run(names, both));
    }
    out.report(name, best / 1e3 / static_cast<double>(names), "us");
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("limit", argc, argv);
    ares_library_init(ARES_LIB_INIT_ALL);
    figure(out, "dns_a_1k", 1'000, false);
    figure(out, "dns_a_10k", 10'000, false);
    figure(out, "dns_a_100k", 100'000, false);
    figure(out, "dns_any_1k", 1'000, true);
    figure(out, "dns_any_10k", 10'000, true);
    figure(out, "dns_any_100k", 100'000, true);
}
