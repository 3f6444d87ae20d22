#pragma once

#include "input.hpp"

#include <green/core/task.hpp>
#include <green/dns/dns_error.hpp>
#include <green/dns/lookup_trace.hpp>
#include <green/dns/resolver.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

struct options;

/// A record of an answer as text.
struct answer {
    std::string_view type;
    std::optional<std::chrono::seconds> ttl;  // of a record; an address has none
    std::string data;
};

/// Why there is no answer of a type.
struct failure {
    std::string_view type;  // "-": of none
    green::dns_errc code;
    std::string text;
};

enum class verdict { answered, not_found, failed };

/// All that became of one name.
struct outcome {
    entry asked;
    std::vector<answer> answers;
    std::vector<failure> failures;
    std::chrono::nanoseconds took{};
    std::optional<green::lookup_trace> trace;  // instead of answers, if that was asked for

    /// One answer is enough. A name that does not exist and one without such records are not found.
    verdict judge() const noexcept;
    /// What the servers failed with; of a name that failed only.
    green::dns_errc cause() const noexcept;
};

/// A type that can be asked for.
struct record_kind {
    std::string_view name;
    green::task<> (*ask)(green::resolver&, const options&, outcome&, std::string_view type);
};

const record_kind* find_kind(std::string_view name) noexcept;
/// "A, AAAA, MX, …"
std::string kind_names();

/// Looks one name up, in all that was asked for at once. Fails for nothing that a name can do.
green::task<outcome> look_up(green::resolver& resolver, const options& o, entry asked);

/// The resolver that the options ask for.
green::resolver_config configure(const options& o);
/// How many names are to be looked up at the same time.
std::size_t names_at_once(const options& o, const green::resolver_config& config) noexcept;

}  // namespace tool
