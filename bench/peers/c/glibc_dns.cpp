// bench/dns.cpp with the C library: getaddrinfo on 64 threads.

#include "dns_figures.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <netdb.h>

namespace {

constexpr int threads = 64;

void look_up(const std::string& name, bool both) {
    addrinfo hints{};
    hints.ai_family = both ? AF_UNSPEC : AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    int const error = getaddrinfo(name.c_str(), nullptr, &hints, &found);
    if (error != 0) bench::no_answer(name, gai_strerror(error));
    freeaddrinfo(found);
}

void look_up_all(std::size_t first, std::size_t names, bool both) {
    std::atomic<std::size_t> next{first};
    auto const work = [&] {
        for (std::size_t i = next++; i < first + names; i = next++) {
            look_up(bench::absolute_name(i), both);
        }
    };
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) all.emplace_back(work);
    for (std::thread& t : all) t.join();
}

}  // namespace

int main(int argc, char** argv) { bench::dns_figures("glibc", argc, argv, look_up_all); }
