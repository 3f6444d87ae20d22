// tcp_stream::connect to a host by its name.

#include <green/dns/default_resolver.hpp>
#include <green/dns/detail/local_families.hpp>
#include <green/loop/loop_core.hpp>
#include <green/net/connect_error.hpp>
#include <green/net/detail/happy_eyeballs.hpp>
#include <green/net/tcp_stream.hpp>
#include <green/tasks/timeout.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace green {
namespace {

using namespace detail;

class tcp_connection final : public connection {
public:
    explicit tcp_connection(tcp_stream s) noexcept : stream(std::move(s)) {}
    tcp_stream stream;
};

/// The real names and the real network.
class tcp_dialer final : public dialer {
public:
    tcp_dialer(const std::string& host, std::uint16_t port, const connect_options& options) noexcept
        : host_(host), port_(port), options_(options) {}

    task<std::vector<address>> look_up(int family) override {
        resolver& names = options_.names ? *options_.names : default_resolver();
        return names.resolve(host_, port_, {.family = family});
    }
    task<std::unique_ptr<connection>> dial(address to) override {
        tcp_stream s = co_await tcp_stream::connect(to, options_);
        co_return std::make_unique<tcp_connection>(std::move(s));
    }

private:
    const std::string& host_;
    std::uint16_t port_;
    const connect_options& options_;
};

/// Asked of the kernel now and then only.
class known_families final : public loop_service {
public:
    local_families local;
};

race_options race_of(const connect_options& options) {
    race_options race;
    race.attempt_delay = options.attempt_delay;
    race.resolution_delay = options.resolution_delay;
    int family = options.family;
    if (family != 0 && family != 4 && family != 6)
        throw std::invalid_argument("green: connect: the family is 0, 4 or 6");
    if (family == 0 && options.local)
        family = options.local->family() == address_family::ipv6 ? 6 : 4;
    if (family != 0) {
        race.ask = {family == 4, family == 6};
        return race;
    }
    // Without an IPv6 address of its own this machine reaches nobody by one, but perhaps itself.
    loop_core& loop = loop_core::require("connect");
    race.ask = loop.service<known_families>().local.now(loop.now());
    race.ask_later = {!race.ask.v4, !race.ask.v6};
    return race;
}

/// An IP address without a port.
std::optional<address> literal(const std::string& host, std::uint16_t port) {
    auto const a = address::try_parse(host);
    if (!a || a->family() == address_family::unix_path || a->port() != 0) return std::nullopt;
    return a->with_port(port);
}

std::exception_ptr without_no_data(const std::exception_ptr& error) {
    try {
        if (error) std::rethrow_exception(error);
    } catch (const dns_error& e) {
        if (e.code() != dns_errc::no_data) return error;
    }
    return nullptr;
}

/// What is to be said about the names of a host of which some addresses were tried.
std::string name_errors(const happy_eyeballs& race) {
    std::string text;
    for (int const family : {6, 4}) {
        auto const error = without_no_data(race.name_error(family));
        if (!error) continue;
        if (!text.empty()) text += "; ";
        text += family == 6 ? "AAAA: " : "A: ";
        text += describe(error);
    }
    return text;
}

[[noreturn]] void throw_failure(const happy_eyeballs& race, const std::string& target) {
    if (!race.attempts().empty()) throw connect_error(target, race.attempts(), name_errors(race));
    // No address at all is a failure of the name; that one family has none tells the least.
    for (int const family : {4, 6}) {
        if (auto const e = without_no_data(race.name_error(family))) std::rethrow_exception(e);
    }
    std::rethrow_exception(race.name_error(4) ? race.name_error(4) : race.name_error(6));
}

task<tcp_stream> connect_to_address(const address& to, const connect_options& options) {
    std::error_code cause;
    try {
        co_return co_await tcp_stream::connect(to, options);
    } catch (const std::system_error& e) {
        cause = e.code();
    }
    throw connect_error(to.to_string(), {{to, cause}});
}

task<tcp_stream> win(happy_eyeballs& race, const std::string& target) {
    auto const winner = co_await race.run();
    if (!winner) throw_failure(race, target);
    co_return std::move(static_cast<tcp_connection&>(*winner).stream);
}

/// The result of `body`, or a timeout_error that says how far the attempts have come.
task<tcp_stream> limited_connect(
    task<tcp_stream> body,
    std::chrono::nanoseconds limit,
    const std::string& target,
    const std::vector<connect_attempt>& attempts
) {
    auto made = co_await move_on_after(limit, std::move(body));
    if (made) co_return std::move(*made);
    std::string what = "connect tcp " + target;
    if (!attempts.empty()) what += " (" + to_text(attempts) + ")";
    throw_timeout(what.c_str(), limit);
}

}  // namespace

task<tcp_stream> tcp_stream::connect(
    std::string host, std::uint16_t port, connect_options options
) {
    if (auto const to = literal(host, port)) {
        std::string const target = to->to_string();
        co_return co_await limited_connect(
            connect_to_address(*to, options), options.timeout, target, {}
        );
    }
    std::string const target = host + ":" + std::to_string(port);
    tcp_dialer names_and_network(host, port, options);
    happy_eyeballs race(names_and_network, race_of(options));
    co_return co_await limited_connect(win(race, target), options.timeout, target, race.attempts());
}

}  // namespace green
