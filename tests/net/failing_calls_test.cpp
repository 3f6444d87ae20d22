// Every system call of a conversation fails once, one after the other: who made it must get an error with
// that cause, the other one must see that its peer is gone, nothing may stay behind, and the next
// conversation must go well.

#include "net/failing_calls.hpp"

#include "net/conversation.hpp"
#include "net/tls_conversation.hpp"

#include <green/net/connect_error.hpp>
#include <green/tasks/as_result.hpp>

#include <cerrno>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

using namespace green;
using namespace green_test;

namespace {

/// A function, an errno, and whether nobody needs to hear of it.
struct failure {
    const char* function;
    int error;
    bool is_overcome = false;
};

constexpr failure failures[] = {
    {"socket", EMFILE},
    {"socket", ENOBUFS},
    {"connect", ECONNREFUSED},
    {"connect", ENETUNREACH},
    {"accept4", EMFILE},
    {"accept4", ENOMEM},
    {"accept4", ECONNABORTED, true},
    {"accept4", EINTR, true},
    {"recv", ECONNRESET},
    {"recv", ETIMEDOUT},
    {"recv", EINTR, true},
    {"recv", EAGAIN, true},
    {"send", ECONNRESET},
    {"send", EPIPE},
    {"send", ENOBUFS},
    {"send", EINTR, true},
    {"send", EAGAIN, true},
    {"sendmsg", EPIPE},
    {"sendmsg", EINTR, true},
    {"sendmsg", EAGAIN, true},
    {"shutdown", ENOTCONN},
    {"setsockopt", EINVAL},
    {"getsockopt", ENOBUFS},
    {"getsockname", ENOBUFS},
};

/// What came of one conversation.
struct outcome {
    std::vector<std::exception_ptr> errors;
    bool was_reached = false;  // the call that was to fail
};

template <class Transport>
task<> meet(std::vector<std::exception_ptr>& errors) {
    std::optional<Transport> transport;
    address where;
    try {
        transport.emplace();
        where = transport->listener.local_address();
    } catch (const std::exception&) {
        errors.push_back(std::current_exception());
        co_return;
    }
    auto server = spawn(serve_once(*transport));
    auto client = spawn(transport->client(where));
    auto const clients = co_await as_result(client);
    transport->listener.close();
    auto const servers = co_await as_result(server);
    if (!clients) errors.push_back(clients.error());
    if (!servers) errors.push_back(servers.error());
}

template <class Transport>
task<outcome> meet_with(const failure& f, int n) {
    outcome o;
    failing_call const failing(f.function, n, f.error);
    co_await meet<Transport>(o.errors);
    o.was_reached = failing.has_failed();
    co_return o;
}

bool has_cause(const std::exception_ptr& error, int cause) {
    try {
        std::rethrow_exception(error);
    } catch (const std::system_error& e) {
        return e.code() == std::error_code(cause, std::system_category());
    } catch (...) {
        return false;
    }
}

template <class Transport>
task<> fail_everywhere() {
    std::vector<std::exception_ptr> none;
    co_await meet<Transport>(none);
    REQUIRE(none.empty());
    auto const before = open_descriptors();
    for (const failure& f : failures) {
        for (int n = 0;; ++n) {
            outcome const o = co_await meet_with<Transport>(f, n);
            if (!o.was_reached) break;
            INFO(f.function << " number " << n << " fails with errno " << f.error);
            bool seen = false;
            for (const auto& error : o.errors) seen = seen || has_cause(error, f.error);
            for (const auto& error : o.errors) UNSCOPED_INFO(detail::describe(error));
            if (f.is_overcome)
                REQUIRE(o.errors.empty());
            else
                CHECK((seen || o.errors.empty()));
            REQUIRE(open_descriptors() == before);
        }
    }
    co_await meet<Transport>(none);
    REQUIRE(none.empty());
}

}  // namespace

GREEN_TEST_REAL_CLOCK("failing calls: over TCP", "[faults]") {
    co_await fail_everywhere<over_tcp>();
}
GREEN_TEST_REAL_CLOCK("failing calls: over TLS", "[faults]") {
    co_await fail_everywhere<over_tls>();
}
