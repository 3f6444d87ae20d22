#pragma once

#include <green/core/time.hpp>
#include <green/dns/detail/lookup_cache.hpp>
#include <green/dns/detail/question.hpp>
#include <green/dns/lookup_trace.hpp>
#include <green/dns/resolver_config.hpp>
#include <green/net/address.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace green::detail {

/// Writes down what a lookup does.
class trace_writer {
public:
    trace_writer(lookup_trace& trace, clock::time_point start) : trace_(trace), start_(start) {}

    void name(std::string_view text);
    void files(std::string_view name, bool known);
    void candidate(std::string_view name);
    void cache(record_type type, const lookup_cache::found& known);
    /// What became of a question that was asked.
    void asked(const question& q, const resolver_config& config);
    void found(const std::vector<address>& addresses);
    void failed(std::string_view what);

private:
    void add(trace_step::kind what, unsigned depth, std::string text);
    void end(std::string text);

    lookup_trace& trace_;
    const clock::time_point start_;
};

/// "1.003 s", "3.2 ms", "80 us".
std::string printable_time(std::chrono::nanoseconds time);

}  // namespace green::detail
