#include <green/sync/exchange.hpp>

#include <string>

namespace green::detail {

void throw_closed(const named& object, const char* operation) {
    std::string what = operation;
    if (!object.name().empty()) what.append(" of '").append(object.name()).append("'");
    throw closed_error(what + ": closed");
}

}  // namespace green::detail
