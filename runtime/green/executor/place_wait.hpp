#pragma once

// Internal: what green tasks wait for at a thread pool, other than their jobs.

#include <green/core/awaitable.hpp>
#include <green/core/intrusive_list.hpp>
#include <green/executor/thread_job.hpp>

#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace green::detail {

class thread_pool;

/// A wait that the pool ends, from any thread.
class pool_wait : public leaf, protected remote_call {
public:
    /// Under the pool's mutex; not touched after that.
    void end() noexcept { waiter().owner().call_from_thread(*this); }

protected:
    explicit pool_wait(std::shared_ptr<thread_pool> pool) noexcept : pool_(std::move(pool)) {}

    thread_pool& pool() const noexcept { return *pool_; }
    void begin() noexcept;
    void left() noexcept;

private:
    void run() noexcept override;

    std::shared_ptr<thread_pool> pool_;
};

/// For room in the queue: a job that has none yet.
class place_wait : public pool_wait, public list_node<place_wait> {
public:
    place_wait(std::shared_ptr<thread_pool> pool, thread_job& j) noexcept
        : pool_wait(std::move(pool)), job(j) {}

    bool ready();
    void start();
    bool cancel() noexcept override;
    void describe(std::string& out) const override {
        out += "room in the queue of a thread_executor";
    }

    thread_job& job;
    std::exception_ptr refused;  // the executor was shut down instead

protected:
    ~place_wait() = default;
};

/// For the end of the pool's last worker.
class end_wait final : public pool_wait, public list_node<end_wait> {
public:
    explicit end_wait(std::shared_ptr<thread_pool> pool) noexcept : pool_wait(std::move(pool)) {}

    bool ready() const noexcept { return false; }
    void start();
    void result() const noexcept {}
    bool cancel() noexcept override;
    void describe(std::string& out) const override { out += "the end of a thread_executor"; }
};

}  // namespace green::detail
