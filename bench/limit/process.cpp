// The least that a job in another process can cost: a byte to a forked process and one back, both sides
// waiting in read.

#include "../measure.hpp"

#include <algorithm>
#include <vector>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

[[noreturn]] void echo(int socket) {
    char byte = 0;
    while (::read(socket, &byte, 1) == 1 && ::write(socket, &byte, 1) == 1) {}
    ::_exit(0);
}

void round_trip(const bench::program& out) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return;
    pid_t const child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        echo(ends[1]);
    }
    ::close(ends[1]);
    std::vector<double> us;
    char byte = 'x';
    for (int i = 0; i < 200 * out.slices(); ++i) {
        std::int64_t const start = bench::wall_ns();
        if (::write(ends[0], &byte, 1) != 1 || ::read(ends[0], &byte, 1) != 1) return;
        us.push_back(static_cast<double>(bench::wall_ns() - start) / 1000);
    }
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    auto const middle = us.begin() + static_cast<std::ptrdiff_t>(us.size() / 2);
    std::nth_element(us.begin(), middle, us.end());
    out.report("process_round_trip", *middle, "us");
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("limit", argc, argv);
    if (out.wants("process_round_trip")) round_trip(out);
}
