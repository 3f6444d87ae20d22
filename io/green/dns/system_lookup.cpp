#include <green/dns/system_lookup.hpp>

#include <green/dns/detail/name.hpp>
#include <green/dns/detail/system_call.hpp>
#include <green/executor/thread_executor.hpp>
#include <green/loop/loop_core.hpp>
#include <green/tasks/timeout.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>

namespace green {

namespace detail {

namespace {

/// The threads in which a loop's calls block.
class system_threads final : public loop_service {
public:
    thread_executor pool{options()};

private:
    static thread_executor_options options() {
        thread_executor_options o;
        o.max_workers = most_system_calls;
        o.thread_name_prefix = "green-names";
        o.keep_alive = std::chrono::seconds(10);
        o.shutdown_grace = std::chrono::nanoseconds(0);  // a call that hangs does not keep the run
        return o;
    }
};

/// A call whose caller has left does not begin any more.
class dropped_call {
public:
    explicit dropped_call(future<system_answer> call) : call_(std::move(call)) {}
    ~dropped_call() {
        if (!call_.done()) call_.cancel();
    }
    dropped_call(const dropped_call&) = delete;
    dropped_call& operator=(const dropped_call&) = delete;

private:
    future<system_answer> call_;
};

dns_errc meaning_of(int status) noexcept {
    switch (status) {
    case EAI_NONAME: return dns_errc::not_found;
#ifdef EAI_NODATA
    case EAI_NODATA: return dns_errc::no_data;
#endif
#ifdef EAI_ADDRFAMILY
    case EAI_ADDRFAMILY: return dns_errc::no_data;
#endif
    case EAI_FAMILY: return dns_errc::no_data;
    default: return dns_errc::server_failure;
    }
}

void throw_failure(const system_answer& answer, const std::string& host) {
    if (answer.status == EAI_MEMORY) throw std::bad_alloc();
    if (answer.status == EAI_SYSTEM) {
        throw std::system_error(
            answer.error, std::generic_category(), "resolve " + printable_name(host)
        );
    }
    if (answer.status != 0) {
        throw dns_error(meaning_of(answer.status), host, {.reason = gai_strerror(answer.status)});
    }
    if (answer.addresses.empty()) {
        throw dns_error(dns_errc::no_data, host, {.reason = "it has no address of this family"});
    }
}

bool is_wanted(const address& a, int family) noexcept {
    return family == 0 || (a.family() == address_family::ipv4) == (family == 4);
}

task<system_answer> ask_in_thread(system_call call, std::string name, int family) {
    auto& pool = loop_core::require("getaddrinfo_system").service<system_threads>().pool;
    std::string const label = "getaddrinfo " + name;
    job_options job;
    job.name = label;
    future<system_answer> answer = pool.submit(job, call, std::move(name), family);
    dropped_call const guard(answer);
    co_return co_await answer;
}

}  // namespace

system_answer call_getaddrinfo(const std::string& host, int family) {
    addrinfo hints{};
    hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;  // else each address comes once for each kind of socket
    hints.ai_flags = family == 0 ? AI_ADDRCONFIG : 0;
    addrinfo* list = nullptr;
    system_answer answer;
    answer.status = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    answer.error = errno;
    if (answer.status != 0) return answer;
    std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> const guard(list, &freeaddrinfo);
    for (const addrinfo* i = list; i; i = i->ai_next) {
        if (i->ai_family != AF_INET && i->ai_family != AF_INET6) continue;
        address const a = address::from_sockaddr(i->ai_addr, i->ai_addrlen);
        auto& found = answer.addresses;
        if (std::find(found.begin(), found.end(), a) == found.end()) found.push_back(a);
    }
    return answer;
}

task<std::vector<address>> look_up_by(
    system_call call, std::string host, std::uint16_t port, lookup_options options
) {
    check(options);
    checked_name name = check_name(host);
    if (name.kind == name_kind::bad)
        throw dns_error(dns_errc::bad_name, host, {.reason = name.problem});
    system_answer answer;
    if (name.literal) {
        if (is_wanted(*name.literal, options.family)) answer.addresses.push_back(*name.literal);
    } else {
        if (name.absolute) name.text += '.';
        auto asking = ask_in_thread(call, std::move(name.text), options.family);
        auto ended = co_await move_on_after(options.timeout, std::move(asking));
        if (!ended) throw dns_error(dns_errc::timeout, host, {.reason = "the lookup's own limit"});
        answer = std::move(*ended);
    }
    throw_failure(answer, host);
    for (address& a : answer.addresses) a = a.with_port(port);
    co_return std::move(answer.addresses);
}

}  // namespace detail

task<std::vector<address>> getaddrinfo_system(
    std::string host, std::uint16_t port, lookup_options options
) {
    return detail::look_up_by(detail::call_getaddrinfo, std::move(host), port, options);
}

}  // namespace green
