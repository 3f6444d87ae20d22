#pragma once

#include <green/core/time.hpp>

#include <chrono>

namespace green::detail {

/// Whether a server is worth asking. One that has failed several times in a row is sick: others are
/// asked before it, and now and then one query goes to it to see whether it is back.
///
///          answered                    failed × `patience`
///     ┌──────────────► well ─────────────────────────────────► sick ──┐ after `rest`:
///     └───────────────────────────────────────────────────────────────┘ one query
class server_health {
public:
    static constexpr unsigned patience = 4;
    static constexpr std::chrono::seconds rest{5};

    bool sick() const noexcept { return failures_ >= patience; }
    bool worth_asking(clock::time_point now) const noexcept { return !sick() || now >= probe_at_; }

    /// A query goes to it: while it is sick this is the probe.
    void asked(clock::time_point now) noexcept {
        if (sick()) probe_at_ = now + rest;
    }
    void answered() noexcept { failures_ = 0; }
    /// No answer, none to be had, or refused. True when this makes it sick.
    bool failed(clock::time_point now) noexcept {
        if (sick()) return false;
        if (++failures_ < patience) return false;
        probe_at_ = now + rest;
        return true;
    }

private:
    unsigned failures_ = 0;  // in a row
    clock::time_point probe_at_{};
};

}  // namespace green::detail
