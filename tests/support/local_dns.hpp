#pragma once

#include "support/dns_server.hpp"

#include <green/dns/resolver.hpp>

namespace green::test {

/// A dns_server on the loop that runs on this thread; its delays are on that loop's clock, so that
/// under virtual time they cost nothing.
class local_dns : public dns_server {
public:
    local_dns();
};

/// A resolver_config that knows this server and nothing else.
resolver_config only(const dns_server& server);

}  // namespace green::test
