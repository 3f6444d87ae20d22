#include <green/green.hpp>

#include <cstdlib>
int answer() { return 42; }
green::task<> ask() {
    green::process_executor pool(1);  // with a static library too, `run` finds what serves it
    int const n = co_await pool.run(answer);
    if (n != 42) std::abort();
}
int main() { green::run(ask()); }
