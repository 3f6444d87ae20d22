// bench/dns.cpp with libuv: uv_getaddrinfo, all at once, on a pool of 64 threads, half of which libuv gives
// to lookups.

#include "dns_figures.hpp"

#include <uv.h>

#include <vector>

namespace {

void on_answer(uv_getaddrinfo_t* request, int status, addrinfo* found) {
    if (status != 0) bench::no_answer("a name", uv_strerror(status));
    uv_freeaddrinfo(found);
    *static_cast<std::size_t*>(request->data) += 1;
}

void look_up_all(std::size_t first, std::size_t names, bool both) {
    addrinfo hints{};
    hints.ai_family = both ? AF_UNSPEC : AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    std::size_t answered = 0;
    std::vector<uv_getaddrinfo_t> requests(names);
    for (std::size_t i = 0; i < names; ++i) {
        std::string const name = bench::absolute_name(first + i);
        requests[i].data = &answered;
        int const error = uv_getaddrinfo(
            uv_default_loop(), &requests[i], on_answer, name.c_str(), nullptr, &hints
        );
        if (error != 0) bench::no_answer(name, uv_strerror(error));
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    if (answered != names) bench::no_answer("a name", "no answer");
}

}  // namespace

int main(int argc, char** argv) {
    setenv("UV_THREADPOOL_SIZE", "64", 1);
    bench::dns_figures("libuv", argc, argv, look_up_all);
}
