// expect alone: green: the result of this job cannot be sent back from another process: return a value
#include <green/executor/process_executor.hpp>

#include <vector>

const char* name_of(int n);
void f(green::process_executor& pool) { pool.map(name_of, std::vector<int>{1, 2}); }
