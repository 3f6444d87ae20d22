// expect alone: green: this callable cannot be sent to another process: submit a function
#include <green/executor/process_executor.hpp>

void f(green::process_executor& pool, int n) {
    pool.submit([n] { return n; });
}
