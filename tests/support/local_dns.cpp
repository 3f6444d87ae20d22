#include "support/local_dns.hpp"

#include <green/loop/loop_core.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>

#include <functional>

namespace green::test {
namespace {

task<> call_later(std::chrono::nanoseconds delay, std::function<void()> f) {
    co_await sleep_for(delay);
    f();
}

}  // namespace

local_dns::local_dns()
    : dns_server(
          detail::loop_core::require("local_dns").native(),
          [](std::chrono::nanoseconds delay, std::function<void()> f) {
              spawn({.name = "delayed DNS reply"}, call_later, delay, std::move(f));
          }
      ) {}

resolver_config only(const dns_server& server) {
    resolver_config config;
    config.servers = {server.address()};
    return config;
}

}  // namespace green::test
