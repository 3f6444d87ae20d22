// A conversation of a client and a server, one of which is cancelled after 0, 1, 2, … steps of the two,
// until it comes to its end before that: so at every place where it can wait. The other one must see that
// its peer is gone, and nothing may stay behind.

#include "net/conversation.hpp"
#include "net/tls_conversation.hpp"

#include <green/net/connect_error.hpp>
#include <green/tasks/as_result.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>

using namespace green;
using namespace green_test;

namespace {

enum class victim { client, server };
/// At once, when the other tasks of the turn have not run, or while the loop looks for I/O.
enum class moment { in_turn, in_poll };

/// Whether this is what somebody gets whose peer has gone, or does not come.
bool is_about_a_lost_peer(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const disconnected_error&) {
        return true;
    } catch (const closed_error&) {
        return true;  // the listener
    } catch (const connect_error&) {
        return true;
    } catch (const exception_group& all) {
        auto const& errors = all.exceptions();
        return std::all_of(errors.begin(), errors.end(), is_about_a_lost_peer);
    } catch (const std::exception& e) {
        return is_about_a_cut(e);
    }
}

/// True when the victim came to its end before it was to be cancelled.
template <class Transport>
task<bool> disturbed(victim v, moment m, std::uint64_t steps) {
    Transport transport;
    auto server = spawn(serve_once(transport));
    auto client = spawn(transport.client(transport.listener.local_address()));
    auto& cancelled = v == victim::client ? client : server;
    auto const& other = v == victim::client ? server : client;
    co_await let_step(steps, cancelled);
    bool const too_late = cancelled.done();
    if (m == moment::in_turn)
        cancelled.cancel();
    else
        this_loop().post([cancelled]() mutable { cancelled.cancel(); });
    auto const outcome = co_await as_result(cancelled);
    if (!outcome && !outcome.cancelled()) std::rethrow_exception(outcome.error());
    transport.listener.close();
    auto const reaction = co_await as_result(other);
    if (!reaction && !is_about_a_lost_peer(reaction.error()))
        std::rethrow_exception(reaction.error());
    co_return too_late;
}

template <class Transport>
task<> disturb_everywhere(victim v, moment m) {
    co_await disturbed<Transport>(v, m, 1'000'000);  // what is opened once is open now
    auto const before = open_descriptors();
    std::uint64_t steps = 0;
    for (bool over = false; !over; ++steps) {
        over = co_await disturbed<Transport>(v, m, steps);
        REQUIRE(open_descriptors() == before);
    }
    REQUIRE(steps > 10);
}

template <class Transport>
task<> disturb_all() {
    for (victim const v : {victim::client, victim::server}) {
        for (moment const m : {moment::in_turn, moment::in_poll})
            co_await disturb_everywhere<Transport>(v, m);
    }
}

}  // namespace

GREEN_TEST_REAL_CLOCK("cancelled everywhere: over TCP", "[cancel]") {
    co_await disturb_all<over_tcp>();
}

GREEN_TEST_REAL_CLOCK("cancelled everywhere: over unix sockets", "[cancel]") {
    co_await disturb_all<over_unix>();
}

GREEN_TEST_REAL_CLOCK("cancelled everywhere: over TLS", "[cancel]") {
    co_await disturb_all<over_tls>();
}
