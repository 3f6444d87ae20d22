#pragma once

// What the tests of process_queue share.

#include "executor/process_jobs.hpp"

#include <green/core/task.hpp>
#include <green/executor/codec_error.hpp>
#include <green/executor/process_queue.hpp>
#include <green/executor/process_queue_link.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace green_test {

/// A value that does not like some numbers.
struct picky {
    int value = 0;
};

inline green::task<int> get_from(green::process_queue<int> q) {
    int const item = co_await q.get();
    co_return item;
}
inline green::task<> put_into(green::process_queue<int> q, int item) { co_await q.put(item); }
inline green::task<> join_it(green::process_queue<int> q) { co_await q.join(); }

/// The queue as another process has it, in this one.
template <class T>
green::process_queue<T> from_outside(const green::process_queue<T>& q) {
    using green::detail::queue_access;
    using green::detail::queue_link;
    return queue_access::handle_of<T>(
        queue_link::use(std::make_shared<queue_link>(queue_access::port_of(q).address()))
    );
}

/// Of this process.
inline std::size_t threads_named(const std::string& wanted) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(entry.path() / "comm");
        std::string name;
        std::getline(file, name);
        count += name == wanted;
    }
    return count;
}

}  // namespace green_test

template <>
struct green::codec<green_test::picky> {
    static void encode(encoder& e, const green_test::picky& p) {
        if (p.value == 13) throw codec_error("encode a picky: not 13");
        e.put(p.value);
    }
    static green_test::picky decode(decoder& d) {
        green_test::picky const p{.value = d.get<int>()};
        if (p.value == 17) d.fail("a picky", "not 17");
        return p;
    }
};
