#pragma once

#include <green/net/detail/server.hpp>
#include <green/net/serve_options.hpp>

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

namespace green {
namespace detail {

/// In place of an `on_error`.
struct report_as_unhandled {};

template <class E>
class called_for_failures final : public handler_failures {
public:
    explicit called_for_failures(E& on_error) noexcept : on_error_(on_error) {}
    void operator()(std::exception_ptr error) override { on_error_(std::move(error)); }

private:
    E& on_error_;
};

template <class L, class F, class E>
task<serve_report> serve_listener(L& listener, F handler, serve_options options, E on_error) {
    if constexpr (std::same_as<E, report_as_unhandled>) {
        server s(options, nullptr);
        co_return co_await s.run(
            accept_connections(listener, handler, s), as_task(listener.closed())
        );
    } else {
        called_for_failures<E> failures(on_error);
        server s(options, &failures);
        co_return co_await s.run(
            accept_connections(listener, handler, s), as_task(listener.closed())
        );
    }
}

}  // namespace detail

/// Accepts connections and runs `handler(connection)`, a coroutine, as a green task for each, until the
/// listener is closed; then lets the handlers finish, and says what has become of all. For a listener
/// on each core see `serve_on_all_cores`.
///
///     tcp_listener l = tcp_listener::bind("127.0.0.1", 7);
///     co_await serve(l, [](tcp_stream peer) -> task<> {
///         for (;;) {
///             chunk const c = co_await peer.read();
///             if (c.empty()) co_return;
///             co_await peer.write_all(c);
///         }
///     });
///
/// The connection belongs to its handler and closes with it. The listener has to stay; the handler is
/// kept, one for all connections. At `max_connections` no more are accepted until a handler ends.
///
/// **Stopping.** `listener.close()`, from any task: no more connections, the handlers may go on for
/// `serve_options::grace`, those that are left then are cancelled, and the report is returned.
/// **cancel:** the same with `grace_on_cancel`, which is zero at first. The report is returned then, too,
/// and the cancel takes effect at the next suspension; so `move_on_after(10s, serve(…))` serves for ten
/// seconds and gives the report. Models: Server.Shutdown of Go's net/http, trio.serve_listeners.
///
/// **Errors.** What leaves a handler ends its connection and nothing else. A disconnected_error is only
/// counted, for peers go away; so is a tls_error, unless our own configuration is at fault. Any other
/// goes to `on_error(std::exception_ptr)`, or, without one, to the run's report of unhandled failures
/// (`loop::on_unhandled`) with the handler's await chain.
///
/// When no connection can be taken for want of descriptors or memory, serving pauses, 5 ms at first and
/// 1 s at most, or until a handler ends. If that lasts, a connection after each pause is taken with a
/// descriptor held in reserve, and closed, so that peers do not wait for ever. Errors of a connection
/// that failed before it was taken are passed over; others, such as a listener that is none (EBADF), end
/// serving as a close does, and are thrown at its end.
template <class L, class F, class E = detail::report_as_unhandled>
task<serve_report> serve(L& listener, F handler, serve_options options = {}, E on_error = {}) {
    static_assert(
        detail::connection_listener<L>,
        "green: serve takes a listener, such as a tcp_listener or a unix_listener"
    );
    if constexpr (detail::connection_listener<L>) {
        using connection = detail::connection_of<L>;
        static_assert(
            detail::task_callable<F, connection>,
            "green: serve takes a handler that is a coroutine (its return type is green::task) "
            "with "
            "the connection, such as a tcp_stream, as its argument"
        );
        if constexpr (detail::task_callable<F, connection>) {
            return detail::serve_listener(
                listener, std::move(handler), options, std::move(on_error)
            );
        }
    }
}

}  // namespace green
