// One process: started, joined, and then terminated, which does nothing to one that has ended.
//
// From a well-known Python tutorial on multiprocessing.Process.

#include <green/green.hpp>

#include <cstdio>

namespace {

void deliver() { std::puts("delivering..."); }

}  // namespace

int main() {
    green::process_worker_main();
    green::process const delivery = green::process::start<deliver>();
    delivery.join();
    delivery.terminate();
    return *delivery.exit_code();
}
