#include <green/dns/lookup_options.hpp>

#include <stdexcept>
#include <string>

namespace green::detail {

void check(const lookup_options& options) {
    if (options.family == 0 || options.family == 4 || options.family == 6) return;
    throw std::invalid_argument(
        "green: lookup_options::family is 0, 4 or 6, not " + std::to_string(options.family)
    );
}

}  // namespace green::detail
