#pragma once

#include <green/core/task.hpp>
#include <green/dns/dns_error.hpp>
#include <green/dns/lookup_options.hpp>
#include <green/net/address.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace green {

/// The addresses of `host` as the machine's own getaddrinfo(3) has them, each with `port`: for names
/// that only its name service switch knows, from multicast DNS (`printer.local`), LDAP, NIS,
/// systemd's machines. **The slow way**: the call blocks a thread, so that at most 16 of them run at
/// once on a loop and the others wait in line. There is no cache but the system's, and no way to
/// give up a call that hangs. For names of the DNS use `getaddrinfo` or a `resolver`.
///
/// The order is the system's (RFC 6724 and gai.conf). Names are checked and literals are answered as
/// `resolver::resolve` does it, so that the short forms of getaddrinfo(3), `127.1` and `0x7f.1`, are
/// bad names here as well. `options.use_cache` means nothing.
///
/// Throws dns_error: bad_name; not_found; no_data; timeout, when `options.timeout` is over;
/// server_failure for what the system calls a failure of the name service, for now or for good, in
/// which it includes that no server answered. The text has the system's words. std::system_error for
/// an error of the machine.
/// **cancel:** total for the caller, as is the timeout. A call that has begun runs on in its thread and
/// nobody waits for it, not even the end of the run, which prints its name; one in line is dropped.
///
///     auto printer = co_await getaddrinfo_system("printer.local", 631, {.timeout = 5s});
task<std::vector<address>> getaddrinfo_system(
    std::string host, std::uint16_t port = 0, lookup_options options = {}
);

}  // namespace green
