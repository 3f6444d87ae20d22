#pragma once

#include <green/core/time.hpp>

#include <chrono>
#include <cstddef>

namespace green {

/// How `serve` serves.
struct serve_options {
    /// Connections at a time. While there are so many no more are accepted: they wait in the kernel's
    /// queue (`listen_options::backlog`), and the peer sees a slow server instead of an error. 0: any
    /// number.
    std::size_t max_connections = 0;

    /// After the listener was closed: how long the handlers may go on before they are cancelled. Models:
    /// http.Server.Shutdown of Go, the graceful shutdown of uvicorn. Meanwhile
    /// `this_task::cancel_requested()` tells them; nothing else does.
    std::chrono::nanoseconds grace = forever;

    /// The same after a cancel of the task that serves. Not zero where a signal that ends the program
    /// (`run_main` makes a cancel of it) is to let the handlers finish.
    std::chrono::nanoseconds grace_on_cancel{0};
};

/// What came of serving.
struct serve_report {
    std::size_t accepted = 0;  ///< connections that got a handler
    std::size_t served = 0;  ///< handlers that returned
    std::size_t disconnected = 0;  ///< handlers whose peer went away, or failed at TLS
    std::size_t failed = 0;  ///< handlers that threw anything else
    std::size_t cancelled = 0;  ///< handlers that were not done when the grace was over
    std::size_t peak = 0;  ///< most handlers at a time
    std::size_t accept_errors =
        0;  ///< times that no connection could be taken, for want of descriptors or memory
    std::size_t turned_away = 0;  ///< connections closed without a handler because that lasted

    /// Sums; `peak` too, for loops of which each has its own.
    serve_report& operator+=(const serve_report& o) noexcept;
    friend bool operator==(const serve_report&, const serve_report&) = default;
};

}  // namespace green
