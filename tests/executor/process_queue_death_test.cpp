#include "executor/process_queue_support.hpp"
#include "support/green_test.hpp"
#include "support/random.hpp"

#include <green/executor/process.hpp>
#include <green/executor/process_queue_wire.hpp>
#include <green/loop/run.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

using namespace green;
using namespace green_test;

// Who dies, or lies, at the other end of a process_queue.

namespace {

using detail::descriptor;
using numbers = process_queue<int>;

void take_and_hang(const numbers& q, int count, const std::string& begun) {
    for (int i = 0; i < count; ++i) static_cast<void>(static_cast<int>(q.get()));
    hang(begun);
}
void take_and_return(const numbers& q) { static_cast<void>(static_cast<int>(q.get())); }
void take_and_finish(const numbers& q, const std::string& begun) {
    static_cast<void>(static_cast<int>(q.get()));
    q.task_done();
    static_cast<void>(q.size());
    hang(begun);
}
void finish_and_return(const numbers& q) {
    static_cast<void>(static_cast<int>(q.get()));
    q.task_done();
}
void wait_for_ever(const numbers& q, const std::string& begun) {
    run([&]() -> task<> {
        auto getter = spawn(get_from, q);
        co_await yield();
        static_cast<void>(q.size());  // now the owner knows that one waits
        meeting_point(begun).arrive();
        co_await getter;
    });
}
void put_for_ever(const numbers& q) {
    for (int i = 0;; ++i) q.put(i);
}
void lend_a_queue(const process_queue<numbers>& to, const std::string& begun) {
    numbers const own(1);
    own.put(1);
    to.put(own);
    hang(begun);
}

void kill_and_wait(const process& p) {
    p.kill();
    p.join();
}

/// What join throws: pid and items.
std::optional<std::pair<int, std::size_t>> death_told_by(const numbers& q) {
    try {
        q.join();
    } catch (const peer_died& e) {
        return std::pair(static_cast<int>(e.pid()), e.items());
    }
    return std::nullopt;
}

/// The owner has seen that the process is gone.
void wait_for_unfinished(const numbers& q, std::size_t count) {
    while (q.unfinished() != count) std::this_thread::sleep_for(200us);
}

descriptor connect_to(const numbers& q) {
    descriptor s(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un to;
    socklen_t const size = detail::abstract_address(detail::queue_access::port_of(q).address(), to);
    REQUIRE(::connect(s.get(), reinterpret_cast<sockaddr*>(&to), size) == 0);
    return s;
}

std::vector<std::byte> draw(random_source& random, std::size_t count) {
    std::vector<std::byte> bytes(count);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random.below(256));
    return bytes;
}

/// This process may open one descriptor more, for as long as it lives.
class one_descriptor {
public:
    explicit one_descriptor(int any) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit few = before_;
        few.rlim_cur = open_descriptors() + 64;
        ::setrlimit(RLIMIT_NOFILE, &few);
        for (;;) {
            descriptor d(::dup(any));
            if (!d) break;
            all_.push_back(std::move(d));
        }
        all_.pop_back();
    }
    ~one_descriptor() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    one_descriptor(const one_descriptor&) = delete;
    one_descriptor& operator=(const one_descriptor&) = delete;

private:
    rlimit before_{};
    std::vector<descriptor> all_;
};

}  // namespace

TEST_CASE("process_queue: a consumer is killed with items", "[process_queue]") {
    numbers const q;
    for (int i = 0; i < 5; ++i) q.put(i);
    meeting_point begun;
    process const p = process::start<take_and_hang>(q, 3, begun.path());
    begun.wait_for(1);
    REQUIRE(q.size() == 2);
    REQUIRE(q.unfinished() == 5);
    kill_and_wait(p);
    wait_for_unfinished(q, 2);
    REQUIRE(death_told_by(q) == std::pair(static_cast<int>(p.pid()), std::size_t{3}));
    // Told once; the others go on.
    for (int i = 3; i < 5; ++i) {
        REQUIRE(static_cast<int>(q.get()) == i);
        q.task_done();
    }
    REQUIRE(!death_told_by(q));
}

TEST_CASE("process_queue: who waits in join is told of a death at once", "[process_queue]") {
    numbers const q;
    q.put(1);
    q.put(2);
    meeting_point begun;
    process const p = process::start<take_and_hang>(q, 1, begun.path());
    begun.wait_for(1);
    std::thread killer([&] { p.kill(); });
    REQUIRE_THROWS_WITH(
        q.join(),
        "process_queue.join: process " + std::to_string(p.pid()) +
            " ended with an item that it had not called done"
    );
    killer.join();
    REQUIRE(q.size() == 1);
    REQUIRE(q.unfinished() == 1);
}

TEST_CASE("process_queue: a consumer returns and has forgotten task_done", "[process_queue]") {
    numbers const q;
    q.put(1);
    process const p = process::start<take_and_return>(q);
    p.join();
    REQUIRE(death_told_by(q) == std::pair(static_cast<int>(p.pid()), std::size_t{1}));
}

TEST_CASE("process_queue: the last consumer is killed while it waits", "[process_queue]") {
    numbers const q;
    meeting_point begun;
    process const idle = process::start<wait_for_ever>(q, begun.path());
    begun.wait_for(1);
    kill_and_wait(idle);
    // If it was seen to be gone before the put there is one item and nobody to get it.
    q.put(1);
    auto const told = death_told_by(q);
    REQUIRE(told);
    REQUIRE(told->first == idle.pid());
    if (told->second == 0) {
        REQUIRE(static_cast<int>(q.get()) == 1);
        q.task_done();
    }
    REQUIRE(!death_told_by(q));
}

TEST_CASE("process_queue: the last consumer is killed between two items", "[process_queue]") {
    numbers const q;
    q.put(1);
    q.put(2);
    meeting_point begun;
    process const p = process::start<take_and_finish>(q, begun.path());
    begun.wait_for(1);
    std::thread killer([&] { p.kill(); });
    REQUIRE(death_told_by(q) == std::pair(static_cast<int>(p.pid()), std::size_t{0}));
    killer.join();
    // One that has done its work and returned is no death.
    REQUIRE(process::start<finish_and_return>(q).ended().result() == 0);
    REQUIRE(!death_told_by(q));
    q.put(3);
    REQUIRE(process::start<finish_and_return>(q).ended().result() == 0);
    q.put(4);
    std::thread last([&] {
        static_cast<void>(static_cast<int>(q.get()));
        q.task_done();
    });
    REQUIRE(!death_told_by(q));
    last.join();
}

TEST_CASE("process_queue: a death that costs nothing is none", "[process_queue]") {
    numbers const q;
    q.put(1);
    meeting_point begun;
    process const p = process::start<take_and_finish>(q, begun.path());
    begun.wait_for(1);
    process const idle = process::start<wait_for_ever>(q, begun.path());
    begun.wait_for(2);
    kill_and_wait(p);
    kill_and_wait(idle);
    REQUIRE(!death_told_by(q));
}

TEST_CASE("process_queue: a producer is killed while it waits for room", "[process_queue]") {
    numbers const q(4);
    process const p = process::start<put_for_ever>(q);
    while (!q.full()) std::this_thread::sleep_for(200us);
    kill_and_wait(p);
    int next = 0;
    while (auto const item = q.try_get_for(200ms)) {
        REQUIRE(*item == next++);
        q.task_done();
    }
    REQUIRE(next >= 4);
    REQUIRE(next <= 5);  // one more if it was taken before the end was seen
    REQUIRE(!death_told_by(q));
}

TEST_CASE("process_queue: a job is killed with an item", "[process_queue]") {
    process_executor pool(1);
    numbers const q;
    q.put(1);
    meeting_point begun;
    auto const job = pool.submit(take_and_hang, q, 1, begun.path());
    begun.wait_for(1);
    pool.kill_workers();
    REQUIRE_THROWS_AS(job.result(), worker_died);
    auto const told = death_told_by(q);
    REQUIRE(told);
    REQUIRE(told->second == 1);
}

TEST_CASE("process_queue: the owner is killed", "[process_queue]") {
    process_queue<numbers> const meet;
    meeting_point begun;
    process const owner = process::start<lend_a_queue>(meet, begun.path());
    begun.wait_for(1);
    numbers const q = meet.get();
    meet.task_done();
    int const item = q.get();
    REQUIRE(item == 1);
    std::string text;
    std::thread getter([&] {
        try {
            static_cast<void>(static_cast<int>(q.get()));
        } catch (const closed_error& e) {
            text = e.what();
        }
    });
    run([&]() -> task<> {
        auto joiner = spawn(join_it, q);
        co_await yield();
        static_cast<void>(q.size());
        owner.kill();
        co_await joiner.join();
        REQUIRE_THROWS_AS(joiner.result(), closed_error);
    });
    getter.join();
    REQUIRE(
        text ==
        "process_queue.get: closed: the process that made it, " + std::to_string(owner.pid()) +
            ", is gone, or has dropped it"
    );
    REQUIRE_THROWS_AS(q.put(1), closed_error);
    REQUIRE_THROWS_AS(q.try_get(), closed_error);
    REQUIRE_THROWS_AS(q.size(), closed_error);
    REQUIRE_THROWS_AS(q.task_done(), closed_error);
    REQUIRE_THROWS_AS(q.close(), closed_error);
}

TEST_CASE("process_queue: the last handle of the owner is dropped", "[process_queue]") {
    std::optional<numbers> q(std::in_place);
    numbers const other = from_outside(*q);
    std::thread getter([&] {
        try {
            static_cast<void>(static_cast<int>(other.get()));
        } catch (const closed_error&) {}
    });
    static_cast<void>(other.size());
    q.reset();
    getter.join();
    REQUIRE_THROWS_AS(other.put(1), closed_error);
}

// --- hostile bytes

TEST_CASE("process_queue: a peer that sends nonsense is put out", "[process_queue]") {
    random_source random(7);
    numbers const q(2);
    q.put(1);
    for (int round = 0; round < 300; ++round) {
        descriptor const s = connect_to(q);
        std::vector<std::byte> bytes = draw(random, 200);
        if (round % 2 == 0) {  // a header that is one, with a body that is none
            detail::frame_header header{};
            header.size = random.next() % 64;
            header.id = random.next() % 3;
            header.value = static_cast<std::uint32_t>(random.below(8) | random.below(2) << 16);
            std::memcpy(bytes.data(), &header, sizeof header);
        }
        ::send(s.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    // Some of them were well-formed puts and gets.
    q.close(close_mode::discard);
    while (q.unfinished() != 0) std::this_thread::sleep_for(200us);
    REQUIRE(q.empty());
}

TEST_CASE("process_queue: an owner that sends nonsense is none", "[process_queue]") {
    random_source random(8);
    for (int round = 0; round < 100; ++round) {
        std::string const name = "green-test-" + std::to_string(::getpid());
        sockaddr_un address;
        socklen_t const size = detail::abstract_address(name, address);
        descriptor const listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(listener.get(), 1) == 0);
        numbers const q =
            detail::queue_access::handle_of<int>(std::make_shared<detail::queue_link>(name));
        descriptor const s(::accept(listener.get(), nullptr, nullptr));
        std::vector<std::byte> bytes = draw(random, 300);
        detail::frame_header header{.id = 1, .size = random.next() % 100};
        header.value =
            detail::queue_tag{
                .verb = detail::queue_verb::get, .outcome = detail::queue_outcome::done
            }
                .packed();
        if (round % 2 == 0) std::memcpy(bytes.data(), &header, sizeof header);
        ::send(s.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        ::shutdown(s.get(), SHUT_WR);
        bool refused = false;
        try {
            for (int i = 0; i < 3; ++i) static_cast<void>(static_cast<int>(q.get()));
        } catch (const executor_error&) {  // codec_error
            refused = true;
        } catch (const closed_error&) {
            refused = true;
        }
        REQUIRE(refused);
    }
}

// --- scarce descriptors

TEST_CASE("process_queue: no descriptor is left for a peer", "[process_queue]") {
    numbers const q;
    {
        one_descriptor const one(STDERR_FILENO);
        for (int i = 0; i < 3; ++i) {
            numbers const refused = from_outside(q);  // takes it; none is left to accept it with
            REQUIRE_THROWS_AS(refused.put(1), closed_error);
        }
    }
    numbers const other = from_outside(q);
    other.put(2);
    REQUIRE(q.try_get() == 2);
}
