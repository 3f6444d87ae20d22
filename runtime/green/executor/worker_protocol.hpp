#pragma once

// Internal: what the processes of a process executor say to each other. All are the same program, of
// one build, so the messages are structures as they lie in memory.

#include <array>
#include <cstddef>
#include <cstdint>

#include <sys/resource.h>

namespace green::detail {

//   application                                      fork server                     worker
//   ───────────                                      ───────────                     ──────
//   process_pool ── control: SOCK_SEQPACKET ────────► start, kill ──── fork or exec ──► worker_main
//    manager    ◄── hello, started, exited … ───────  reaps
//    thread                                                                              │
//       │                                                                                │
//       └───────────────── jobs: one SOCK_STREAM per worker ─────────────────────────────┤
//       └───────────────── board: one shared memory per worker ──────────────────────────┤
//       └───────────────── arguments, results: shared memory for what is large ──────────┘
//
// The application makes the job socket and the memories, and sends the worker's ends through the server:
// so the jobs can be written before the worker exists, and a worker that never comes to life is an end
// of file like any other.

// --- the job socket

enum class frame_kind : std::uint16_t {
    settings,  // to the worker, first: worker_settings, then preload and initializer, encoded
    job,  // to the worker: an encoded call
    cancel,  // to the worker: the job `id` is asked to stop
    ready,  // from the worker: the initializer has run; `value` is its pid
    unusable,  // from the worker: preload or initializer failed; the text of the error
    result,  // from the worker: an encoded outcome
    bell,  // from the worker: look at the board
};

/// Before the bytes of every frame.
struct frame_header {
    std::uint64_t id = 0;  // of the job
    std::uint64_t size = 0;  // of what follows
    frame_kind kind = frame_kind::bell;
    std::uint16_t flags = 0;
    std::uint32_t value = 0;  // result: how long it ran, in ns, at most 2^32 - 1
};

/// In a memory that two processes share.
struct shared_place {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

// frame_header::flags of a job
inline constexpr std::uint16_t job_takes_token = 1;
inline constexpr std::uint16_t job_is_shared = 2;  // the payload is the shared_place of the call

// of a result
inline constexpr std::uint16_t result_is_lent = 1;  // a lease_note comes before the outcome
inline constexpr std::uint16_t result_keeps_arguments = 2;  // arrays that the job was called with

/// A result that refers to memory of the worker, or lies there as a whole.
struct lease_note {
    std::uint64_t lease = 0;  // what the application ends when it needs the memory no more
    std::uint64_t offset = 0;  // the outcome's, unless it follows
    std::uint64_t size = 0;  // 0: it follows
};

/// What a worker does to itself before its initializer. 0 is: as it is.
struct worker_settings {
    std::uint64_t memory_limit = 0;  // bytes of address space
    std::uint64_t cpu_limit = 0;  // seconds of processor time
    std::uint64_t max_result_size = 0;  // bytes; 0: any
    std::int32_t nice = 0;
    std::int32_t processor = -1;  // to stay on; -1 is any
    std::uint64_t preload_size = 0;  // of two encoded calls that follow
    std::uint64_t initializer_size = 0;
};

// --- the control socket

enum class control_kind : std::uint32_t {
    hello,  // from the server, first: its build
    preload,  // to the server: a call to make before it forks, with the memory that the call is in
    preloaded,  // from the server: that it is over; the text of its error, if any
    start,  // to the server: a worker, with its job socket and board
    start_program,  // to the server: a process for one call, with the memory that the call is in
    kill,  // to the server: a signal for one of them
    started,  // from the server: its pid
    not_started,  // from the server: errno
    exited,  // from the server: wait status and what it used
};

enum class start_mode : std::uint32_t { fork, exec };

struct control_message {
    control_kind kind = control_kind::hello;
    start_mode mode = start_mode::fork;
    std::uint64_t worker = 0;
    std::int32_t pid = 0;
    std::int32_t value = 0;  // kill: the signal. not_started: errno. exited: the wait status
    rusage usage{};  // exited
    std::array<char, 256> text{};  // hello: the build. preloaded: why not, at most so much of it
};

// --- roles, as they are written into the environment

inline constexpr char fork_server_role[] = "fork-server";
inline constexpr char worker_role[] = "worker";
inline constexpr char captured_worker_role[] = "captured-worker";  // is passed its streams too
inline constexpr char program_role[] = "program";

/// Where a fork server finds its control socket, an exec'ed worker what it is passed, and an exec'ed
/// process its call.
inline constexpr int first_passed_descriptor = 3;

/// What a worker is passed, in this order.
enum worker_descriptor : std::size_t {
    worker_jobs,
    worker_board_memory,
    worker_arguments,
    worker_results,
    worker_stdout,  // this and the next one if its output is captured
    worker_stderr,
    worker_descriptor_count,
};

}  // namespace green::detail
