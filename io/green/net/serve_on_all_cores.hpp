#pragma once

#include <green/loop/loop.hpp>
#include <green/net/serve.hpp>
#include <green/net/tcp_listener.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
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

/// An `on_error` that is called on the loop on which this was made, wherever the failure is.
class tell_home {
public:
    explicit tell_home(handler_failures& failures) : failures_(&failures), home_(&this_loop()) {}

    void operator()(std::exception_ptr error) const {
        if (&this_loop() == home_)
            (*failures_)(std::move(error));
        else  // before the end of this thread, which is posted, too
            home_->post([f = failures_, error = std::move(error)] { (*f)(error); });
    }

private:
    handler_failures* failures_;
    loop* home_;
};

template <class M>
class made_core_server final : public core_server {
public:
    made_core_server(
        M& make_handler, const serve_options& options, std::optional<tell_home> on_error
    ) noexcept
        : make_handler_(make_handler), options_(options), on_error_(on_error) {}

    task<serve_report> serve(tcp_listener& listener) override {
        if (on_error_) return green::serve(listener, made(), options_, *on_error_);
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
    std::optional<tell_home> on_error_;
};

task<serve_report> serve_cores(tcp_listener& first, core_server& server, all_cores_options options);

template <class M, class E>
task<serve_report> serve_made(
    tcp_listener& first, M make_handler, all_cores_options options, E on_error
) {
    if constexpr (std::same_as<E, report_as_unhandled>) {
        made_core_server<M> server(make_handler, options.serve, std::nullopt);
        co_return co_await serve_cores(first, server, options);
    } else {
        called_for_failures<E> failures(on_error);
        made_core_server<M> server(make_handler, options.serve, tell_home(failures));
        co_return co_await serve_cores(first, server, options);
    }
}

template <class M, class E>
task<serve_report> listen_and_serve(
    address where, M make_handler, all_cores_options options, E on_error
) {
    options.listen.reuse_port = true;
    tcp_listener first = tcp_listener::bind(where, options.listen);
    co_return co_await serve_made(first, std::move(make_handler), options, std::move(on_error));
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
/// with `grace_on_cancel`; the report is the sum. Failures of handlers on all loops go to
/// `on_error(std::exception_ptr)`, on this loop, or, without one, are its unhandled failures. If one loop
/// cannot listen, all end and its error is thrown. Connections that no loop had taken when the listeners
/// were closed are reset.
///
/// `first` has to be bound with `listen_options::reuse_port`. For the computations of a handler a
/// `thread_executor` is enough: more loops are for servers that one core cannot carry.
/// Models: SO_REUSEPORT workers of nginx, Node's cluster.
template <class M, class E = detail::report_as_unhandled>
task<serve_report> serve_on_all_cores(
    tcp_listener& first, M make_handler, all_cores_options options = {}, E on_error = {}
) {
    return detail::serve_made(first, std::move(make_handler), options, std::move(on_error));
}

/// The same on an address. Who needs to know the port, or wants to close it, makes the first listener.
template <class M, class E = detail::report_as_unhandled>
task<serve_report> serve_on_all_cores(
    address where, M make_handler, all_cores_options options = {}, E on_error = {}
) {
    return detail::listen_and_serve(
        std::move(where), std::move(make_handler), options, std::move(on_error)
    );
}

}  // namespace green
