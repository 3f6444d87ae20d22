// expect alone: green: a shared_array is of numbers, enums, or structs of those without padding
#include <green/executor/process_executor.hpp>

green::shared_array<const char*> names(green::process_executor& pool) {
    return pool.allocate_shared<const char*>(3);
}
