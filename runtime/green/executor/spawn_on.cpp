#include <green/executor/spawn_on.hpp>

namespace green::detail {

std::exception_ptr loop_is_closed() {
    return std::make_exception_ptr(closed_error("spawn_on: the loop is closed"));
}

}  // namespace green::detail
