#include <green/loop/run_main.hpp>

#include <green/loop/loop_core.hpp>

#include <uv.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <source_location>

#include <unistd.h>

namespace green::detail {
namespace {

// What the signal handler touches. One program has one main.
volatile std::sig_atomic_t first_signal = 0;
std::atomic<uv_async_t*> signal_wakeup{nullptr};

/// The first signal is for the loop; the second must work even if the loop is stuck.
extern "C" void on_signal(int number) {
    if (first_signal != 0) ::_exit(128 + number);
    first_signal = number;
    // Documented as safe in a signal handler.
    if (uv_async_t* const async = signal_wakeup.load()) uv_async_send(async);
}

/// SIGINT and SIGTERM cancel the main task, from its first step to the end of its run.
class main_signals final : public loop_service {
public:
    main_signals() : async_(new uv_async_t) {
        first_signal = 0;
        uv_async_init(loop_core::require("run_main").native(), async_, &main_signals::cancel_main);
        uv_unref(reinterpret_cast<uv_handle_t*>(async_));
        async_->data = this;
        signal_wakeup.store(async_);
        install(SIGINT, old_interrupt_);
        install(SIGTERM, old_terminate_);
    }
    ~main_signals() override {
        sigaction(SIGINT, &old_interrupt_, nullptr);
        sigaction(SIGTERM, &old_terminate_, nullptr);
        signal_wakeup.store(nullptr);
        uv_close(reinterpret_cast<uv_handle_t*>(async_), [](uv_handle_t* h) {
            delete reinterpret_cast<uv_async_t*>(h);
        });
    }

    void watch(green_task& main) { main_ = task_ref<green_task>(&main); }

private:
    static void install(int number, struct sigaction& old) {
        sigaction(number, nullptr, &old);
        if (old.sa_handler == SIG_IGN) return;
        struct sigaction action = {};
        action.sa_handler = &on_signal;
        sigemptyset(&action.sa_mask);
        action.sa_flags = SA_RESTART;
        sigaction(number, &action, nullptr);
    }
    static void cancel_main(uv_async_t* async) {
        auto& self = *static_cast<main_signals*>(async->data);
        if (self.main_) {
            self.main_->request_cancel(
                first_signal == SIGINT ? "SIGINT" : "SIGTERM", std::source_location::current()
            );
        }
    }

    uv_async_t* async_;
    task_ref<green_task> main_;
    struct sigaction old_interrupt_ = {};
    struct sigaction old_terminate_ = {};
};

task<int> with_signals(task<int> main) {
    loop_core& core = loop_core::require("run_main");
    core.service<main_signals>().watch(*core.running());
    int const status = co_await std::move(main);
    co_return status;
}

}  // namespace

int run_main_task(task<int> main) {
    int status = 1;
    try {
        status = run(with_signals(std::move(main)));
    } catch (const cancelled_error& e) {
        if (first_signal == 0) std::fprintf(stderr, "%s\n", e.what());
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
    } catch (...) {
        std::fputs("an exception that is no std::exception left main\n", stderr);
    }
    return first_signal != 0 ? 128 + first_signal : status;
}

}  // namespace green::detail
