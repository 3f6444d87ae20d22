#include <green/tasks/as_result.hpp>

namespace green::detail {

bool is_cancelled_error(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const cancelled_error&) {
        return true;
    } catch (...) {
        return false;
    }
}

std::exception_ptr cancelled_error_of(const green_task& t) {
    return std::make_exception_ptr(cancelled_error(t.cancelled_text()));
}

}  // namespace green::detail
