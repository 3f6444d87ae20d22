// A number of 3099 digits, computed on another thread: the first program of Python's concurrent.futures.
//
// `submit` gives a future, and `result()` waits for it. There is no loop here: a plain thread may block. The integers are
// GMP's, as any copyable or movable type may be the result of a job.

#include <green/green.hpp>

#include <iostream>

#include <gmpxx.h>

namespace {

mpz_class power(unsigned long base, unsigned long exponent) {
    mpz_class result;
    mpz_ui_pow_ui(result.get_mpz_t(), base, exponent);
    return result;
}

}  // namespace

int main() {
    green::thread_executor pool(1);
    std::cout << pool.submit(power, 323, 1235).result() << '\n';
}
