// The same work called, awaited, and submitted: where does it run, and when?
//
// From a tutorial on threads. Its classes are called first, then made threads whose `run()` is called: that runs here,
// one after the other, and no thread is started. In green it is the `co_await` of a task that starts nothing new, while
// `spawn` makes a task of its own and `submit` a job on a thread. What has not begun says so:
//
//     <delivery::run of delivery at 0x7f845aaf00f9>
//     <delivery::run, pending>
//     delivery
//     <delivery::run, finished returned void>

#include <green/green.hpp>

#include <cstdio>

namespace {

struct delivery {
    void run() const { std::printf("delivery\n"); }
    green::task<> as_task() const {
        run();
        co_return;
    }
};

struct dish_retrieval {
    void run() const { std::printf("Retriving Dish\n"); }
    green::task<> as_task() const {
        run();
        co_return;
    }
};

green::task<> amain() {
    delivery const work;
    dish_retrieval const work2;

    std::printf("-- called\n");
    work.run();
    work2.run();

    std::printf("-- as tasks, awaited here\n");
    co_await work.as_task();
    co_await work2.as_task();

    std::printf("-- in which state is it?\n");
    std::printf("<delivery::run of delivery at %p>\n", static_cast<const void*>(&work));
    green::thread_executor pool(1);
    pool.resize(0);  // no thread, for now
    auto const job = pool.submit(&delivery::run, &work);
    std::printf("<delivery::run, %s>\n", job.describe().c_str());
    pool.resize(1);
    co_await job;
    std::printf("<delivery::run, %s>\n", job.describe().c_str());
}

/// Without a loop. The end of the block is the end of the executor, which waits for its jobs.
void submit_and_leave() {
    std::printf("-- on a thread\n");
    green::thread_executor pool;
    pool.submit([] { std::printf("delivering\n"); });
}

}  // namespace

int main() {
    green::run(amain());
    submit_and_leave();
}
