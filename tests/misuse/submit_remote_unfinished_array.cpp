// expect alone: and shared_array<const T>, not shared_array<T>
#include <green/executor/process_executor.hpp>

double first(green::shared_array<double> values) { return values[0]; }

void misuse(green::process_executor& pool) { pool.submit(first, pool.allocate_shared<double>(3)); }
