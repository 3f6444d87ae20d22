#pragma once

#include <green/net/serve.hpp>
#include <green/net/tcp_listener.hpp>

#include <cstddef>
#include <mutex>
#include <utility>

namespace green {

/// How `serve_on_all_cores` serves.
struct all_cores_options {
    /// How many loops, the calling one among them. 0: as many as this process may use processors, where
    /// taskset and the quota of a container count.
    std::size_t loops = 0;
    serve_options serve{};  ///< of each loop: `max_connections` is for one of them
    listen_options listen{};  ///< of the listeners; `reuse_port` is always on
};

namespace detail {

/// Serves one listener, on the loop of that listener. Called on several threads at once.
class core_server {
public:
    virtual task<serve_report> serve(tcp_listener& listener) = 0;

protected:
    ~core_server() = default;
};

template <class M>
class made_core_server final : public core_server {
public:
    made_core_server(M& make_handler, const serve_options& options) noexcept
        : make_handler_(make_handler), options_(options) {}

    task<serve_report> serve(tcp_listener& listener) override {
        return green::serve(listener, made(), options_);
    }

private:
    auto made() {
        std::lock_guard const lock(mutex_);
        return make_handler_();
    }

    std::mutex mutex_;
    M& make_handler_;
    serve_options options_;
};

task<serve_report> serve_cores(tcp_listener& first, core_server& server, all_cores_options options);

template <class M>
task<serve_report> serve_made(tcp_listener& first, M make_handler, all_cores_options options) {
    made_core_server<M> server(make_handler, options.serve);
    co_return co_await serve_cores(first, server, options);
}

template <class M>
task<serve_report> listen_and_serve(address where, M make_handler, all_cores_options options) {
    options.listen.reuse_port = true;
    tcp_listener first = tcp_listener::bind(where, options.listen);
    co_return co_await serve_made(first, std::move(make_handler), options);
}

}  // namespace detail

/// Serves with a loop on each core: this one, and others on threads of their own. Each has a listener on
/// the same port (SO_REUSEPORT), over which the kernel spreads the connections, and a handler of its own:
/// `make_handler()` is called once on each loop, one at a time. A connection stays on its loop, so
/// handlers share nothing unless they mean to: what they share has to be safe for threads.
///
///     auto make = [] { return [](tcp_stream peer) -> task<> { … }; };
///     co_await serve_on_all_cores(address::parse("0.0.0.0:8080"), make);
///
/// Otherwise it is like `serve`: closing `first`, on this loop, ends all gracefully; **cancel** ends all
/// with `grace_on_cancel`; the report is the sum. Failures of handlers on all loops are this loop's
/// unhandled failures. If one loop cannot listen, all end and its error is thrown. Connections that no
/// loop had taken when the listeners were closed are reset.
///
/// `first` has to be bound with `listen_options::reuse_port`. For the computations of a handler a
/// `thread_executor` is enough: more loops are for servers that one core cannot carry.
/// Models: SO_REUSEPORT workers of nginx, Node's cluster.
template <class M>
task<serve_report> serve_on_all_cores(
    tcp_listener& first, M make_handler, all_cores_options options = {}
) {
    return detail::serve_made(first, std::move(make_handler), options);
}

/// The same on an address. Who needs to know the port, or wants to close it, makes the first listener.
template <class M>
task<serve_report> serve_on_all_cores(
    address where, M make_handler, all_cores_options options = {}
) {
    return detail::listen_and_serve(std::move(where), std::move(make_handler), options);
}

}  // namespace green
