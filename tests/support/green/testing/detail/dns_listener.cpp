#include <green/testing/detail/dns_listener.hpp>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace green::testing::detail {

namespace {

template <class Handle>
uv_handle_t* handle_of(Handle& h) {
    return reinterpret_cast<uv_handle_t*>(&h);
}

/// A UDP and a TCP socket on one port, and what port that is. A port that is free for the one may be
/// taken for the other, hence the tries.
std::pair<int, int> bind_pair(address& where) {
    const int family = where.data()->sa_family;
    for (int tries = where.port() == 0 ? 20 : 1; tries > 0; --tries) {
        const int udp = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const int tcp = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int yes = 1;
        setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        sockaddr_storage name;
        socklen_t size = sizeof name;
        if (bind(udp, where.data(), where.size()) == 0 &&
            getsockname(udp, reinterpret_cast<sockaddr*>(&name), &size) == 0) {
            const auto bound = address::from_sockaddr(reinterpret_cast<sockaddr*>(&name), size);
            if (bind(tcp, bound.data(), bound.size()) == 0) {
                where = bound;
                return {udp, tcp};
            }
        }
        const int problem = errno;
        close(udp);
        close(tcp);
        errno = problem;
    }
    throw std::system_error(
        errno, std::generic_category(), "DNS test server: bind " + where.to_string()
    );
}

}  // namespace

class dns_listener::udp_peer final : public dns_peer {
public:
    udp_peer(std::weak_ptr<dns_listener> owner, address to)
        : owner_(std::move(owner)), to_(std::move(to)) {}

    void send(std::span<const std::byte> packet) override {
        const auto owner = owner_.lock();
        if (!owner || owner->closed_) return;
        const auto base = const_cast<char*>(reinterpret_cast<const char*>(packet.data()));
        const uv_buf_t buf = uv_buf_init(base, static_cast<unsigned>(packet.size()));
        uv_udp_try_send(&owner->udp_, &buf, 1, to_.data());
    }
    void send_in_pieces(std::span<const std::byte> packet) override { send(packet); }
    void send_half(std::span<const std::byte> packet) override { send(packet); }
    void hang_up() override {}
    bool tcp() const noexcept override { return false; }

private:
    std::weak_ptr<dns_listener> owner_;
    address to_;
};

class dns_listener::tcp_peer final : public dns_peer,
                                     public std::enable_shared_from_this<tcp_peer> {
public:
    explicit tcp_peer(dns_listener& owner) : owner_(owner) {
        uv_tcp_init(owner.loop_, &handle_);
        uv_tcp_nodelay(&handle_, 1);
        handle_.data = this;
        uv_unref(handle_of(handle_));
    }

    /// Keeps itself until its handle is closed.
    void start(uv_tcp_t& listener) {
        self_ = shared_from_this();
        ++owner_.handles_;
        owner_.peers_.insert(this);
        const bool accepted = uv_accept(reinterpret_cast<uv_stream_t*>(&listener), stream()) == 0;
        if (!accepted || uv_read_start(stream(), give_buffer, on_input) != 0) hang_up();
    }

    void received(std::span<const std::byte> data) {
        input_.insert(input_.end(), data.begin(), data.end());
        while (!closed_ && input_.size() >= 2) {
            const auto length = std::to_integer<std::size_t>(input_[0]) << 8 |
                std::to_integer<std::size_t>(input_[1]);
            if (input_.size() < 2 + length) return;
            const auto end = input_.begin() + 2 + static_cast<std::ptrdiff_t>(length);
            const std::vector<std::byte> packet(input_.begin() + 2, end);
            input_.erase(input_.begin(), end);
            owner_.on_query_(packet, shared_from_this());
        }
    }

    void send(std::span<const std::byte> packet) override { write(framed(packet)); }
    void send_in_pieces(std::span<const std::byte> packet) override {
        for (const char c : framed(packet)) write(std::string(1, c));
    }
    void send_half(std::span<const std::byte> packet) override {
        auto bytes = framed(packet);
        bytes.resize(bytes.size() / 2);
        write(std::move(bytes));
    }

    void hang_up() override {
        if (closed_) return;
        closed_ = true;
        owner_.peers_.erase(this);
        uv_close(handle_of(handle_), [](uv_handle_t* handle) {
            const auto gone = std::move(static_cast<tcp_peer*>(handle->data)->self_);
            gone->owner_.one_closed();
        });
    }
    bool tcp() const noexcept override { return true; }
    dns_listener& owner() noexcept { return owner_; }

private:
    uv_stream_t* stream() noexcept { return reinterpret_cast<uv_stream_t*>(&handle_); }

    static std::string framed(std::span<const std::byte> packet) {
        std::string bytes;
        bytes += static_cast<char>(packet.size() >> 8);
        bytes += static_cast<char>(packet.size() & 0xff);
        bytes.append(reinterpret_cast<const char*>(packet.data()), packet.size());
        return bytes;
    }

    void write(std::string bytes) {
        if (closed_) return;
        struct request {
            uv_write_t write;
            std::string bytes;
        };
        auto* const r = new request{{}, std::move(bytes)};
        r->write.data = r;
        const uv_buf_t buf = uv_buf_init(r->bytes.data(), static_cast<unsigned>(r->bytes.size()));
        const int status = uv_write(&r->write, stream(), &buf, 1, [](uv_write_t* done, int) {
            delete static_cast<request*>(done->data);
        });
        if (status != 0) delete r;
    }

    uv_tcp_t handle_;
    dns_listener& owner_;  // lives until this handle is closed
    std::vector<std::byte> input_;
    std::shared_ptr<tcp_peer> self_;
    bool closed_ = false;
};

dns_listener::dns_listener(uv_loop_t* loop, const address& where, handler on_query)
    : loop_(loop), where_(where), on_query_(std::move(on_query)) {
    std::tie(udp_fd_, tcp_fd_) = bind_pair(where_);
}

void dns_listener::open() {
    uv_udp_init(loop_, &udp_);
    uv_tcp_init(loop_, &listener_);
    udp_.data = listener_.data = this;
    uv_unref(handle_of(udp_));
    uv_unref(handle_of(listener_));
    handles_ = 2;
    self_ = shared_from_this();
    uv_udp_open(&udp_, udp_fd_);
    uv_tcp_open(&listener_, tcp_fd_);
    uv_listen(reinterpret_cast<uv_stream_t*>(&listener_), 128, [](uv_stream_t* s, int error) {
        if (error == 0) static_cast<dns_listener*>(s->data)->on_connection();
    });
    uv_udp_recv_start(
        &udp_,
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buf) {
            auto& buffer = static_cast<dns_listener*>(handle->data)->buffer_;
            *buf = uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
        },
        [](uv_udp_t* handle, ssize_t size, const uv_buf_t* buf, const sockaddr* from, unsigned) {
            if (size <= 0 || !from) return;
            const auto data = reinterpret_cast<const std::byte*>(buf->base);
            static_cast<dns_listener*>(handle->data)
                ->on_datagram({data, static_cast<std::size_t>(size)}, from);
        }
    );
}

void dns_listener::close() {
    closed_ = true;
    const auto closed = [](uv_handle_t* handle) {
        static_cast<dns_listener*>(handle->data)->one_closed();
    };
    uv_close(handle_of(udp_), closed);
    uv_close(handle_of(listener_), closed);
    for (tcp_peer* const peer : std::set<tcp_peer*>(peers_)) peer->hang_up();
}

void dns_listener::one_closed() {
    if (--handles_ == 0 && closed_) self_.reset();
}

void dns_listener::on_datagram(std::span<const std::byte> packet, const sockaddr* from) {
    const auto size = from->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    auto to = address::from_sockaddr(from, static_cast<std::uint32_t>(size));
    on_query_(packet, std::make_shared<udp_peer>(weak_from_this(), std::move(to)));
}

void dns_listener::on_connection() {
    ++accepted_;
    std::make_shared<tcp_peer>(*this)->start(listener_);
}

void dns_listener::give_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buf) {
    auto& buffer = static_cast<tcp_peer*>(handle->data)->owner().buffer_;
    *buf = uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
}

void dns_listener::on_input(uv_stream_t* stream, ssize_t size, const uv_buf_t* buf) {
    auto& peer = *static_cast<tcp_peer*>(stream->data);
    if (size < 0) {
        peer.hang_up();
    } else {
        const auto data = reinterpret_cast<const std::byte*>(buf->base);
        peer.received({data, static_cast<std::size_t>(size)});
    }
}

}  // namespace green::testing::detail
