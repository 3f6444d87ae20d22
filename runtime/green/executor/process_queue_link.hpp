#pragma once

// Internal: a process_queue in a process that has not made it: a connection to the one that has.

#include <green/executor/descriptor.hpp>
#include <green/executor/frame_channel.hpp>
#include <green/executor/process_queue_port.hpp>
#include <green/executor/process_queue_service.hpp>
#include <green/executor/process_queue_wire.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include <sys/epoll.h>

namespace green::detail {

//  Who reads the answers: of the threads that block here the first one, for all; when it has its own it
//  hands over to the next. So a process without a loop gets its items with no thread between. Once a
//  green task waits here the service reads, and threads only wait for it.

class queue_link final : public queue_port, private socket_watcher {
public:
    /// Connects; if nobody is there, all is gone. std::system_error if no descriptor is left.
    explicit queue_link(const std::string& address);
    /// A use of the link. When the last one ends, the owner is told that nobody here takes items any more:
    /// unless it is told, the end of this process is a death.
    static std::shared_ptr<queue_port> use(std::shared_ptr<queue_link> link);
    ~queue_link() override;

    bool attempt(queue_request& r) override;
    bool begin(queue_request& r, thread_waker& w) override;
    bool withdraw(queue_request& r) noexcept override;
    void perform(queue_request& r, std::chrono::nanoseconds limit) override;
    done_result task_done() override;

    /// The owner would not miss it: this process holds no item, and waits for nothing.
    bool idle();

private:
    using time_point = std::chrono::steady_clock::time_point;

    /// A thread that blocks here.
    struct blocked_thread final : list_node<blocked_thread>, thread_waker {
        void wake() noexcept override { changed.notify_one(); }
        std::condition_variable changed;
    };

    class usage;

    void on_ready(std::uint32_t events) noexcept override;
    void be_served();
    void begin_use();
    void end_use() noexcept;

    // All of it with the lock.
    void send(queue_request& r, std::unique_lock<std::mutex>& lock);
    void ask_to_withdraw(const queue_request& r, std::unique_lock<std::mutex>& lock) noexcept;
    void push(std::uint64_t id, queue_tag tag);
    void write(std::unique_lock<std::mutex>& lock);
    void want_events() noexcept;
    void want(std::uint32_t events) noexcept;
    void read() noexcept;
    bool take_answer(frame& f);
    void forget_all() noexcept;

    bool wait_answer(
        std::unique_lock<std::mutex>& lock,
        const queue_request& r,
        blocked_thread& self,
        time_point until
    );
    void lead(std::unique_lock<std::mutex>& lock, time_point until);

    std::mutex mutex_;
    descriptor socket_;
    frame_reader in_;
    frame_writer out_;
    std::unordered_map<std::uint64_t, queue_request*> asked_;
    std::uint64_t last_id_ = 0;
    std::size_t held_ = 0;  // items that this process has got and not called done
    std::size_t uses_ = 0;
    bool takes_items_ = false;
    bool gone_ = false;
    bool has_leader_ = false;
    intrusive_list<blocked_thread> followers_;
    std::once_flag served_;
    std::shared_ptr<queue_service> service_;
    std::uint64_t watch_ = 0;
    std::uint32_t wanted_ = EPOLLIN;
};

}  // namespace green::detail
