// Four threads and the main one, each says who it is: the first program about Python's threads.
//
// They are threads of an executor, named after it: `top -H` and debuggers show the names too. An executor starts a
// thread when a job finds none idle, so four short jobs might share one. Here each waits at a barrier for the others.
//
//     <Thread(threads, started 140338264438592)> says: 메인 프로그램
//     <Thread(sub_func-2, started 140338245183168)> says: 서브 프로그램 1
//     <Thread(sub_func-1, started 140338253575872)> says: 서브 프로그램 0
//     <Thread(sub_func-4, started 140338228397760)> says: 서브 프로그램 3
//     <Thread(sub_func-3, started 140338236790464)> says: 서브 프로그램 2

#include <green/green.hpp>

#include <array>
#include <barrier>
#include <cstdio>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>

namespace {

std::string who_am_i() {
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    std::ostringstream text;
    text << "Thread(" << name.data() << ", started " << std::this_thread::get_id() << ")";
    return text.str();
}

void say(const std::string& what) {
    std::printf("<%s> says: %s\n", who_am_i().c_str(), what.c_str());
}

}  // namespace

int main() {
    constexpr int count = 4;
    std::barrier<> all_here(count);
    green::thread_executor pool({.max_workers = count, .thread_name_prefix = "sub_func"});
    say("메인 프로그램");
    std::vector<green::future<void>> jobs;
    jobs.reserve(count);
    for (int i = 0; i < count; ++i) {
        jobs.push_back(pool.submit([&all_here, i] {
            all_here.arrive_and_wait();
            say("서브 프로그램 " + std::to_string(i));
        }));
    }
    for (auto& job : jobs) job.result();
}
