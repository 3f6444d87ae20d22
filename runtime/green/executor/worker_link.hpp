#pragma once

// Internal: one worker process, seen from the application.

#include <green/executor/descriptor.hpp>
#include <green/executor/frame_channel.hpp>
#include <green/executor/process_job.hpp>
#include <green/executor/steady_time.hpp>
#include <green/executor/worker_arena.hpp>
#include <green/executor/worker_board.hpp>
#include <green/executor/worker_output.hpp>
#include <green/executor/worker_protocol.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace green::detail {

//    starting ──ready──► ready ──its last job was sent──► retiring ──► ending
//        └────────────────┴──its socket is at its end, or it is to be killed──►┘
enum class worker_phase : std::uint8_t { starting, ready, retiring, ending };

/// Why the application has a worker killed; decides what the job it was running ends with.
enum class kill_reason : std::uint8_t { none, deadline, cancel };

/// How a worker ended.
struct worker_exit {
    int wait_status = 0;
    rusage usage{};
};

/// A worker, its connection, and the jobs that it has been sent and not answered. Under the pool's
/// mutex.
class worker_link {
public:
    worker_link(std::uint64_t id, descriptor socket, int board, int results)
        : id(id),
          socket(std::move(socket)),
          board(board),
          results(std::make_shared<result_memory>(results)) {}

    bool idle() const noexcept { return phase == worker_phase::ready && jobs.empty(); }
    bool active() const noexcept {
        return phase == worker_phase::starting || phase == worker_phase::ready;
    }
    bool busy() const noexcept {
        return !jobs.empty() && (phase == worker_phase::ready || phase == worker_phase::retiring);
    }
    /// Has been sent something that it has not begun.
    bool has_unbegun() const noexcept {
        return !jobs.empty() && jobs.back().number >= board.begun();
    }
    /// May be sent one more, if `depth` are its share.
    bool has_room(std::size_t depth) const noexcept {
        if (phase != worker_phase::ready) return false;
        return jobs.empty() ||
            (jobs.size() < depth && !held_up && !taken_back_from && !waits_for_room &&
             !jobs.front().job->exclusive());
    }

    /// Puts the job onto its way; `flush` sends it. Its time begins. std::bad_alloc: it does not.
    void send(job_ref job, steady::time_point now);
    /// Puts what its job is to be asked onto its way, if it is to be asked to stop. std::bad_alloc: it is
    /// still to be asked.
    void send_cancel();
    /// The job of this number, the oldest but for an untrue report, is over. Null: there is none.
    job_ref take_finished(std::uint64_t number) noexcept;

    /// It is to be killed at `when`, for this reason, unless it is to be killed before that.
    void kill_by(steady::time_point when, kill_reason why) noexcept;

    struct assignment {
        job_ref job;
        std::uint64_t number;  // of the jobs that this worker has been sent
    };

    const std::uint64_t id;
    descriptor socket;
    worker_board board;
    std::shared_ptr<result_memory> const results;
    /// Whose arrays its jobs have not let go of.
    std::vector<std::shared_ptr<const outgoing_call>> kept;
    std::array<worker_output, 2> output;  // not open unless it is captured
    frame_reader in;
    std::optional<frame> unheard;  // one that there was no memory to handle
    frame_writer out;
    std::deque<assignment> jobs;
    std::uint64_t sent = 0;
    std::uint64_t bells = 0;  // that have come
    std::uint64_t tasks = 0;  // of those, the ones that were not taken back
    worker_phase phase = worker_phase::starting;
    pid_t pid = 0;
    int processor = -1;  // that it stays on
    int signal_due = 0;  // to be ordered of the server
    bool connected = true;  // the socket is not at its end
    bool heard = true;  // all that was read of it
    bool cancel_due = false;  // its job is to be asked to stop
    bool waits_for_room = false;  // in the socket
    bool held_up = false;  // its jobs were taken back, and it has finished none since
    std::optional<std::uint64_t> taken_back_from;  // those of them that are not in the queue yet
    std::optional<std::uint64_t> spared_from;  // of one that is ending: what it is not charged with
    bool was_ready = false;
    bool kill_ordered = false;
    bool told_to_end = false;
    bool run_wild = false;  // what it says on its board cannot be true
    bool buried = false;  // all that it leaves is settled
    std::string start_error;  // if there never was a process
    std::optional<worker_exit> exit;
    steady::time_point last_progress;
    steady::time_point kill_at = steady::time_point::max();
    kill_reason killed_for = kill_reason::none;
};

/// `worker process 4711 was killed by signal 11 (Segmentation fault)`
std::string describe_death(pid_t pid, int wait_status);

}  // namespace green::detail
