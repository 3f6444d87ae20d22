#include <green/sync/exchange.hpp>

#include <string>

namespace green::detail {

namespace {

std::string closed_text(const named& object, const char* operation) {
    std::string what = operation;
    if (!object.name().empty()) what.append(" of '").append(object.name()).append("'");
    return what + ": closed";
}

}  // namespace

void throw_closed(const named& object, const char* operation) {
    throw closed_error(closed_text(object, operation));
}

std::exception_ptr make_closed_error(const named& object, const char* operation) {
    return std::make_exception_ptr(closed_error(closed_text(object, operation)));
}

}  // namespace green::detail
