#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace green::detail {

/// Where names are looked up.
enum class name_source : std::uint8_t { files, dns };

/// One source of `lookup_order`, and whether those behind it are asked when it has no answer.
struct lookup_step {
    name_source source = name_source::files;
    bool go_on_if_not_found = true;  ///< the name does not exist there, or has no address
    bool go_on_if_failed = true;  ///< no server answered, or it could not

    friend bool operator==(const lookup_step&, const lookup_step&) = default;
};

/// The sources in the order in which they are asked, each once, at least one.
using lookup_order = std::vector<lookup_step>;

/// The `hosts:` line of nsswitch.conf(5): the services `files` and `dns` in their order, with what
/// `[STATUS=ACTION]` says behind them. Other services (`mdns4_minimal`, `myhostname`, `resolve`, …)
/// and what stands behind those are skipped, for only getaddrinfo_system can ask them. With neither
/// `files` nor `dns`, or without the line, it is `files dns`, as glibc has it without a file.
///
///     hosts: files mdns4_minimal [NOTFOUND=return] dns    files, then dns
///     hosts: files [NOTFOUND=return] dns                  files only
///     hosts: dns [!UNAVAIL=return] files                  dns; files when no server answers
///
/// `merge` counts as `return`. As in glibc the last line of several wins, and a line with an error in
/// it counts up to the error.
lookup_order parse_lookup_order(std::string_view nsswitch);

}  // namespace green::detail
