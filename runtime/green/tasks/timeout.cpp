#include <green/tasks/timeout.hpp>

#include <string>

namespace green::detail {

void throw_timeout(const char* operation, std::chrono::nanoseconds limit) {
    auto const ms = std::chrono::duration<double, std::milli>(limit).count();
    std::string number = std::to_string(ms);
    while (number.back() == '0') number.pop_back();
    if (number.back() == '.') number.pop_back();
    throw timeout_error(std::string(operation) + ": not done after " + number + " ms");
}

}  // namespace green::detail
