#include <green/executor/worker.hpp>

#include <green/core/errors.hpp>
#include <green/executor/executor_error.hpp>
#include <green/executor/frame_channel.hpp>
#include <green/executor/remote_function.hpp>
#include <green/executor/shared_memory.hpp>
#include <green/executor/standard_output.hpp>
#include <green/executor/steady_time.hpp>
#include <green/executor/stop_watcher.hpp>
#include <green/executor/worker_arena.hpp>
#include <green/executor/worker_board.hpp>
#include <green/executor/worker_protocol.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include <malloc.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace green::detail {
namespace {

/// A result waits so long for others, at most, before it is announced.
constexpr auto announce_after = std::chrono::microseconds(50);

void limit(decltype(RLIMIT_AS) resource, std::uint64_t most) {
    if (most == 0) return;
    rlimit const both{static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
    ::setrlimit(resource, &both);
}

std::uint64_t sum_or_most(std::uint64_t a, std::uint64_t b) noexcept {
    return a + std::min(b, std::numeric_limits<std::uint64_t>::max() - a);
}

/// Freed memory stays for the next job up to here, whatever the sizes of its pieces. malloc would give a
/// large piece back to the system at once, and to get the pages anew takes longer than to fill them.
constexpr int freed_memory_kept = 1 << 27;

void keep_freed_memory() noexcept {
    ::mallopt(M_MMAP_MAX, 0);
    ::mallopt(M_TRIM_THRESHOLD, freed_memory_kept);
}

std::uint32_t nanoseconds_between(steady::time_point a, steady::time_point b) {
    auto const ns = std::chrono::duration_cast<std::chrono::nanoseconds>(b - a).count();
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(ns, 0, std::numeric_limits<std::uint32_t>::max())
    );
}

/// As far as that is possible: the processor may have been taken from this program.
void stay_on(int processor) noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(processor), &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

/// Its streams, if they are captured: line by line, as on a terminal.
void write_to(const descriptor& out, const descriptor& err) noexcept {
    if (!out || !err) return;
    ::dup2(out.get(), STDOUT_FILENO);
    ::dup2(err.get(), STDERR_FILENO);
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
}

bool preloaded = false;  // by the process that this one is a copy of

/// One worker's life. The application notices its end by the end of its socket.
class worker {
public:
    explicit worker(const passed_descriptors& passed)
        : socket_(passed[worker_jobs].get()),
          board_(passed[worker_board_memory].get()),
          arguments_(passed[worker_arguments].get()),
          results_(passed[worker_results].get()),
          outcome_(results_.memory().get()) {}

    [[noreturn]] void serve() {
        set_up();
        last_bell_ = steady::now();
        for (;;) {
            while (auto f = in_.next()) handle(*f);
            announce();
            read_more();
        }
    }

private:
    std::uint64_t shared_size() const noexcept { return arguments_.size() + results_.size(); }

    void read_more() {
        try {
            if (in_.fill(socket_, 0) != io_state::done) leave();
        } catch (const std::bad_alloc&) {
            if (!in_.drop_payload()) throw;  // that job fails alone
        }
    }

    /// No exit handlers: they are the application's.
    [[noreturn]] static void leave() {
        flush_output();
        std::fflush(nullptr);
        ::_exit(0);
    }

    void set_up() {
        std::optional<frame> f;
        while (!(f = in_.next())) read_more();
        worker_settings settings;
        if (f->header.kind != frame_kind::settings || f->payload.size() < sizeof settings) leave();
        std::memcpy(&settings, f->payload.data(), sizeof settings);
        // What the executor shares is not the jobs' memory, and its size is known.
        if (settings.memory_limit != 0) {
            limit(RLIMIT_AS, sum_or_most(settings.memory_limit, shared_size()));
        }
        max_result_size_ = settings.max_result_size;
        limit(RLIMIT_CPU, settings.cpu_limit);
        if (settings.nice != 0) static_cast<void>(::nice(settings.nice));
        if (settings.processor >= 0) stay_on(settings.processor);
        auto const calls = f->payload.subspan(sizeof settings);
        if (calls.size() != settings.preload_size + settings.initializer_size) leave();
        if (!preloaded) begin_with(calls.first(settings.preload_size), "the preload function");
        begin_with(calls.subspan(settings.preload_size), "the initializer");
        auto const pid = static_cast<std::uint32_t>(::getpid());
        if (!write_frame(socket_, {.kind = frame_kind::ready, .value = pid})) leave();
    }

    void begin_with(std::span<const std::byte> call, const char* name) {
        if (call.empty()) return;
        std::string const problem = failure_of(call);
        if (problem.empty()) return;
        std::string const text = std::string(name) + " of a worker process failed: " + problem;
        write_frame(
            socket_, {.kind = frame_kind::unusable}, std::as_bytes(std::span<const char>(text))
        );
        leave();
    }

    void handle(frame& f) {
        if (f.header.kind != frame_kind::job) return;  // a cancel that came too late
        if (!board_.begin(arrived_++)) return;
        run(f);
    }

    void run(const frame& f) {
        results_.reclaim();
        auto const begin = steady::now();
        if (f.lost) {
            fail(std::make_exception_ptr(std::bad_alloc()));
        } else if (f.header.flags & job_takes_token) {
            run_stoppable(f);
        } else {
            execute(call_of(f), std::stop_token());
        }
        if (max_result_size_ != 0 && outcome_.size() > max_result_size_) refuse_result();
        flush_output();
        auto const end = steady::now();
        frame_header header{.id = f.header.id, .kind = frame_kind::result};
        header.value = nanoseconds_between(begin, end);
        if (arguments_.end_job()) header.flags |= result_keeps_arguments;
        answer(header);
        if (descriptors_closed_) leave();
        if (end - last_bell_ >= announce_after || board_.half_full()) announce();
    }

    void execute(std::span<const std::byte> call, const std::stop_token& stop) {
        outcome_.clear();
        decoder request(call, &arguments_);
        encoder reply(outcome_, &results_);
        run_call(request, reply, stop);
    }

    /// Instead of running it.
    void fail(const std::exception_ptr& why) {
        outcome_.clear();
        encoder reply(outcome_);
        reply.put(reply_is_exception);
        encode_exception(reply, why);
    }

    void refuse_result() {
        std::string const text = "the result of the job is larger than max_result_size: " +
            std::to_string(outcome_.size()) + " bytes of " + std::to_string(max_result_size_);
        fail(std::make_exception_ptr(executor_error(text)));
    }

    std::span<const std::byte> call_of(const frame& f) const {
        if (!(f.header.flags & job_is_shared)) return f.payload;
        shared_place place;
        if (f.payload.size() != sizeof place) leave();
        std::memcpy(&place, f.payload.data(), sizeof place);
        return arguments_.bytes(place);
    }

    /// Nothing is sent behind such a job before its result is there, but for its cancel.
    void run_stoppable(const frame& f) {
        std::stop_source stop;
        while (auto const early = in_.next()) {
            if (early->header.id == f.header.id) stop.request_stop();
        }
        try {
            if (!watcher_) watcher_ = std::make_unique<stop_watcher>(socket_);
        } catch (...) {  // it needs a thread and a descriptor
            return fail(std::current_exception());
        }
        watcher_->begin(f.header.id, stop, in_);
        execute(call_of(f), stop.get_token());
        descriptors_closed_ = !watcher_->end(in_);
    }

    void answer(frame_header header) {
        if (auto const note = results_.close_lease(outcome_)) {
            header.flags |= result_is_lent;
            noted_.clear();
            append(noted_, std::as_bytes(std::span(&*note, 1)));
            append(noted_, outcome_.bytes());
            send(header, noted_.bytes());
        } else {
            send(header, outcome_.bytes());
        }
        if (outcome_.in_arena()) outcome_ = byte_buffer(results_.memory().get());
    }

    void send(frame_header header, std::span<const std::byte> outcome) {
        if (board_.post(header, outcome)) {
            announced_ = false;
            return;
        }
        // After this frame the board is read first, so results arrive in the order of their jobs.
        if (!write_frame(socket_, header, outcome)) leave();
        announced_ = true;
    }

    void announce() {
        if (announced_) return;
        announced_ = true;
        last_bell_ = steady::now();
        if (!write_frame(socket_, {.kind = frame_kind::bell})) leave();
    }

    int socket_;
    worker_board board_;
    borrowed_arguments arguments_;
    worker_arena results_;
    frame_reader in_;
    byte_buffer outcome_;
    byte_buffer noted_;  // a lease_note and an outcome
    std::unique_ptr<stop_watcher> watcher_;
    std::uint64_t arrived_ = 0;  // jobs
    std::uint64_t max_result_size_ = 0;
    steady::time_point last_bell_;
    bool announced_ = true;
    bool descriptors_closed_ = false;  // by a job: its result is on the board, and was the last
};

/// The exit status of a call that gives one, or nothing.
int status_of(std::span<const std::byte> call) {
    byte_buffer outcome;
    decoder request(call);
    encoder reply(outcome);
    run_call(request, reply, std::stop_token());
    decoder d(outcome.bytes());
    if (d.remaining() > 1 && d.get<bool>() == reply_is_value) return d.get<int>();
    decoder failed(outcome.bytes());
    std::exception_ptr const problem = decode_reply<void>(failed).error;
    if (!problem) return 0;
    std::fprintf(stderr, "green: process %d: %s\n", ::getpid(), describe(problem).c_str());
    return 1;
}

}  // namespace

std::string failure_of(std::span<const std::byte> call) {
    byte_buffer outcome;
    decoder request(call);
    encoder reply(outcome);
    run_call(request, reply, std::stop_token());
    decoder d(outcome.bytes());
    std::exception_ptr const problem = decode_reply<void>(d).error;
    return problem ? describe(problem) : std::string();
}

void set_preloaded() noexcept { preloaded = true; }

void program_main(descriptor memory, pid_t parent) noexcept {
    end_with(parent);
    reset_signals();
    ::prctl(PR_SET_NAME, "green-process");
    byte_buffer const call = content_of(memory.get());
    memory.reset();
    int const status = status_of(call.bytes());
    flush_output();
    std::fflush(nullptr);
    ::_exit(status);
}

void reset_signals() noexcept {
    struct sigaction action = {};
    sigemptyset(&action.sa_mask);
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGTERM, &action, nullptr);
    action.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &action, nullptr);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void end_with(pid_t parent) noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);
}

void worker_main(passed_descriptors passed, pid_t parent) noexcept {
    end_with(parent);
    reset_signals();
    ::prctl(PR_SET_NAME, "green-worker");
    keep_freed_memory();
    write_to(passed[worker_stdout], passed[worker_stderr]);
    worker w(passed);
    for (std::size_t i = worker_board_memory; i < passed.size(); ++i) passed[i].reset();  // mapped
    w.serve();
}

}  // namespace green::detail
