// expect alone: green: an argument of this job cannot be sent to another process: take values
#include <green/executor/process_executor.hpp>

int sum(const int* numbers);
green::task<int> f(green::process_executor& pool, const int* numbers) {
    co_return co_await pool.run(sum, numbers);
}
