// The least that a job in another process can cost: a byte to a forked process and one back, both sides
// waiting in read. And the least that large data can: one copy into memory that both have mapped, and one
// out of it; none where it is built there.

#include "../measure.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

double median(std::vector<double>& values) {
    auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

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
    out.report("process_round_trip", median(us), "us");
}

/// Two buffers, so that one is filled while the other is read.
struct shared_pair {
    explicit shared_pair(std::size_t bytes) : size(bytes) {
        for (char*& b : buffers) {
            b = static_cast<char*>(
                ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
            );
            std::memset(b, 1, size);
        }
    }
    std::size_t size;
    char* buffers[2];
};

/// Answers each byte, which is the number of a buffer, when it has the content.
[[noreturn]] void read_all(int socket, const shared_pair& shared, bool copy) {
    std::vector<char> own(shared.size);
    char which = 0;
    char sum = 0;
    while (::read(socket, &which, 1) == 1) {
        const char* const from = shared.buffers[which & 1];
        if (copy) std::memcpy(own.data(), from, shared.size);
        sum = static_cast<char>(sum + (copy ? own[0] : from[0]) + from[shared.size - 1]);
        if (::write(socket, &sum, 1) != 1) break;
    }
    ::_exit(0);
}

/// `copy`: from memory of the one to memory of the other. Else it is filled where both see it.
void payload(
    const bench::program& out, const char* figure, std::size_t size, std::size_t count, bool copy
) {
    shared_pair const shared(size);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return;
    pid_t const child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        read_all(ends[1], shared, copy);
    }
    ::close(ends[1]);
    std::vector<double> const source(size / sizeof(double), 1.5);
    std::vector<double> us;
    for (int s = 0; s < 1 + out.slices() / 3; ++s) {
        std::int64_t const start = bench::wall_ns();
        for (std::size_t i = 0; i < count; ++i) {
            char which = static_cast<char>(i & 1);
            auto* const to = reinterpret_cast<double*>(shared.buffers[i & 1]);
            if (copy) {
                std::memcpy(to, source.data(), size);
            } else {
                std::fill_n(to, size / sizeof(double), static_cast<double>(i));
            }
            if (::write(ends[0], &which, 1) != 1) return;
            // The answer of the buffer that is filled next.
            if (i > 0 && ::read(ends[0], &which, 1) != 1) return;
        }
        char last = 0;
        if (::read(ends[0], &last, 1) != 1) return;
        us.push_back(
            static_cast<double>(bench::wall_ns() - start) / 1e3 / static_cast<double>(count)
        );
    }
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    out.report(figure, median(us), "us");
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("limit", argc, argv);
    if (out.wants("process_round_trip")) round_trip(out);
    constexpr std::size_t mib = std::size_t{1} << 20;
    struct row {
        const char* figure;
        std::size_t size;
        std::size_t count;
        bool copy;
    };
    for (const row& r :
         {row{"process_payload_1mib", mib, 400, true},
          row{"process_payload_64mib", 64 * mib, 8, true},
          row{"process_payload_in_place_1mib", mib, 1000, false},
          row{"process_payload_in_place_64mib", 64 * mib, 16, false}}) {
        if (out.wants(r.figure)) payload(out, r.figure, r.size, r.count, r.copy);
    }
}
