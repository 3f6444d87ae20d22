#include <green/loop/run.hpp>

#include <green/core/process_role.hpp>
#include <green/loop/loop_core.hpp>

#include <csignal>
#include <ctime>

#include <pthread.h>

namespace green::detail {
namespace {

/// A write to a closed connection must be an error code, not the end of the program. libuv writes
/// without MSG_NOSIGNAL; so the signal is blocked on this thread, and one that came is taken away
/// before the old mask returns. The process's disposition stays as it is.
class sigpipe_guard {
public:
    sigpipe_guard() noexcept {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        sigset_t pending;
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &pipe_, &old_);
    }
    ~sigpipe_guard() {
        if (!was_pending_) {
            timespec const none{};
            while (sigtimedwait(&pipe_, nullptr, &none) > 0) {}
        }
        pthread_sigmask(SIG_SETMASK, &old_, nullptr);
    }
    sigpipe_guard(const sigpipe_guard&) = delete;
    sigpipe_guard& operator=(const sigpipe_guard&) = delete;

private:
    sigset_t pipe_;
    sigset_t old_;
    bool was_pending_;
};

/// pthread_cancel would unwind a thread through C and noexcept functions. It is put off, and its type is
/// set to asynchronous, which then means nothing but that the system calls of glibc before 2.41 do not
/// have to set it and back: two atomic operations each in a program with threads.
class pthread_cancel_guard {
public:
    pthread_cancel_guard() noexcept {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old_state_);
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old_type_);
    }
    ~pthread_cancel_guard() {
        pthread_setcanceltype(old_type_, nullptr);
        pthread_setcancelstate(old_state_, nullptr);
    }
    pthread_cancel_guard(const pthread_cancel_guard&) = delete;
    pthread_cancel_guard& operator=(const pthread_cancel_guard&) = delete;

private:
    int old_state_ = 0;
    int old_type_ = 0;
};

}  // namespace

run_session::run_session(const run_options& options) {
    enter_process_role();
    loop_core::of_this_thread().begin(options);
}

run_session::~run_session() {
    if (!driven_) loop_core::of_this_thread().close();  // there was no memory for main
}

void run_session::drive(green_task& main) {
    driven_ = true;
    sigpipe_guard const sigpipe;
    pthread_cancel_guard const pthread_cancel;
    loop_core& core = loop_core::of_this_thread();
    core.start(main, core.root());
    core.drive(main);
}

}  // namespace green::detail
