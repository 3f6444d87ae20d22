#pragma once

// Internal: how a running job of a worker process hears that it is asked to stop.

#include <green/executor/descriptor.hpp>
#include <green/executor/frame_channel.hpp>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>

#include <sys/types.h>

namespace green::detail {

/// A thread that reads the worker's job socket while a job that takes a std::stop_token runs: nothing
/// but a cancel of that job can come meanwhile. Started by the first such job; lives as long as the
/// worker.
class stop_watcher {
public:
    explicit stop_watcher(int job_socket);

    /// Until `end`, a cancel of `job`, or the end of the application, requests a stop of `source`. `in` is
    /// what the caller reads the socket with; a part of a frame may be in it.
    void begin(std::uint64_t job, std::stop_source& source, frame_reader& in);
    /// Afterwards the socket belongs to the caller again, who has done with the frames of `in`. False: the
    /// job has closed the descriptors, and nothing can be done with the socket.
    [[nodiscard]] bool end(frame_reader& in);

private:
    void watch();
    /// False when there is nothing more to wait for.
    bool read_cancel(std::uint64_t job, std::stop_source& source);

    int socket_;
    ino_t socket_inode_;
    descriptor wake_;  // an eventfd
    frame_reader cancels_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::stop_source* source_ = nullptr;
    std::uint64_t job_ = 0;
    bool busy_ = false;
    std::thread thread_;
};

}  // namespace green::detail
