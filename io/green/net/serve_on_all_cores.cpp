#include <green/net/serve_on_all_cores.hpp>

#include <green/executor/processors.hpp>
#include <green/executor/thread_executor.hpp>
#include <green/loop/loop_core.hpp>
#include <green/loop/run.hpp>
#include <green/tasks/as_result.hpp>
#include <green/tasks/scope.hpp>
#include <green/tasks/spawn.hpp>

#include <deque>
#include <optional>
#include <stop_token>

namespace green::detail {
namespace {

/// A loop on another thread, and how this one tells it to end.
///
///     this loop ──tell()──► wanted_, post ──► obey(), on the other loop, while it serves
class other_core {
public:
    enum class order : std::uint8_t { serve, close, cancel };

    /// From any thread, at any time.
    void tell(order o) {
        std::lock_guard const lock(mutex_);
        if (o <= wanted_) return;
        wanted_ = o;
        if (loop_) loop_->post([this] { obey(); });
    }

    // --- on its thread
    task<serve_report> serve(core_server& server, address where, listen_options options) {
        tcp_listener listener = tcp_listener::bind(where, options);
        listener_ = &listener;
        serving_ = spawn(server.serve(listener));
        serving(&this_loop());
        obey();
        auto const report = co_await as_result(serving_);
        serving(nullptr);
        listener_ = nullptr;
        co_return report.value();
    }

    serve_report report;  // valid when its thread has ended

private:
    void serving(loop* l) {
        std::lock_guard const lock(mutex_);
        loop_ = l;
    }
    order wanted() {
        std::lock_guard const lock(mutex_);
        return wanted_;
    }
    void obey() {
        order const o = wanted();
        if (!listener_) return;
        if (o == order::close) listener_->close();
        if (o == order::cancel) serving_.cancel("serve_on_all_cores ends");
    }

    std::mutex mutex_;
    order wanted_ = order::serve;
    loop* loop_ = nullptr;  // while it serves

    // Of its thread.
    tcp_listener* listener_ = nullptr;
    join_handle<serve_report> serving_;
};

/// Everything of one `serve_on_all_cores`. The threads refer to it, and end before it does.
class cores {
public:
    cores(tcp_listener& first, core_server& server, const all_cores_options& options)
        : first_(first), server_(server), listen_(options.listen), home_(this_loop()) {
        listen_.reuse_port = true;
        std::size_t const loops = options.loops != 0 ? options.loops : usable_processors();
        for (std::size_t i = 1; i < loops; ++i) others_.emplace_back();
        if (loops > 1) {
            threads_.emplace(thread_executor_options{
                .max_workers = loops - 1, .thread_name_prefix = "green-serve"
            });
        }
    }

    task<serve_report> run() {
        address const where = first_.local_address();
        scope all("serve_on_all_cores");
        for (other_core& c : others_) all.add(run_thread(c, where));
        all.add(serve_here());
        co_await all;
        all.rethrow();
        for (const other_core& c : others_) report_ += c.report;
        co_return report_;
    }

private:
    task<> serve_here() {
        report_ = co_await server_.serve(first_);
        for (other_core& c : others_) c.tell(other_core::order::close);
    }

    /// A thread with a loop that serves. A cancel is passed on to it, and it is waited for.
    task<> run_thread(other_core& core, address where) {
        auto const body = [this, &core, where](const std::stop_token& stop) {
            std::stop_callback const cancelled(stop, [&] { core.tell(other_core::order::cancel); });
            auto const main = [&]() -> task<serve_report> {
                this_loop().on_unhandled([this](const unhandled_failure& f) { forward(f); });
                return core.serve(server_, where, listen_);
            };
            core.report = green::run(main);
        };
        co_await threads_->run(body);
    }

    /// From another loop: this one deals with it.
    void forward(const unhandled_failure& f) {
        home_.post([error = f.error] {
            loop_core::current()->unhandled(error, "a handler of serve_on_all_cores");
        });
    }

    tcp_listener& first_;
    core_server& server_;
    listen_options listen_;
    loop& home_;
    std::deque<other_core> others_;
    std::optional<thread_executor> threads_;
    serve_report report_;
};

}  // namespace

task<serve_report> serve_cores(
    tcp_listener& first, core_server& server, all_cores_options options
) {
    cores all(first, server, options);
    co_return co_await all.run();
}

}  // namespace green::detail
