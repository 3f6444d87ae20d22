// Four processes that say who they are.
//
// From a well-known Python tutorial on multiprocessing.Process.

#include <green/green.hpp>

#include <cstdio>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

void who_am_i(const std::string& what) {
    std::printf("Process %d says: %s\n", ::getpid(), what.c_str());
    std::fflush(stdout);
}

void sub_program(int number) { who_am_i("서브 프로그램 " + std::to_string(number)); }

}  // namespace

int main() {
    green::process_worker_main();
    who_am_i("메인 프로그램");
    std::vector<green::process> processes;
    processes.reserve(4);
    for (int i = 0; i < 4; ++i) processes.push_back(green::process::start<sub_program>(i));
    for (const green::process& p : processes) p.join();
}
