// expect: green: an argument of this job cannot be sent to another process
#include <green/executor/process_executor.hpp>

double first(green::shared_array<double> values) { return values[0]; }

void misuse(green::process_executor& pool) { pool.submit(first, pool.allocate_shared<double>(3)); }
