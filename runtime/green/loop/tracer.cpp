#include <green/loop/tracer.hpp>

#include <green/core/errors.hpp>
#include <green/core/json.hpp>
#include <green/core/promise.hpp>
#include <green/core/source_text.hpp>
#include <green/loop/loop_core.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace green::detail {

// --- the tasks of a loop

class tracer::loop_observer final : public task_observer {
public:
    loop_observer(tracer& owner, loop_core& core)
        : owner_(owner), core_(core), session_(owner.session_), process_(core.thread_id()) {}

    bool current() const noexcept { return session_ == owner_.session_; }

    void attached(scheduler&) noexcept override {
        attached_ = true;
        text_ = "loop of thread " + std::to_string(process_);
        metadata("process_name", 0, text_);
        each_task(core_.root(), [this](green_task& t) {
            open(t);
            begin_wait(t);
        });
    }
    void spawned(green_task& t) noexcept override {
        open(t);
        begin_wait(t);
    }
    void resumes(green_task& t) noexcept override {
        end(t);
        begin(t, "run", "task");
    }
    void paused(green_task& t) noexcept override {
        end(t);
        begin_wait(t);
    }
    void ended(green_task& t) noexcept override {
        const char* const outcome = t.was_cancelled() ? "cancelled"
            : t.failed()                              ? "failed"
                                                      : "done";
        owner_.add({'E', process_, number(t), {}, {}, nullptr, "outcome", outcome});
    }
    void polls() noexcept override { owner_.flush(); }

    /// Ends the spans of all tasks that there are.
    void close() noexcept {
        if (!attached_) return;
        each_task(core_.root(), [this](green_task& t) {
            bool const concluding = t.state() == task_state::unwinding && core_.running() == &t;
            if (!concluding && !t.ended()) end(t);
            end(t);
        });
    }

private:
    static std::uint64_t number(const green_task& t) noexcept {
        return static_cast<std::uint64_t>(t.id());
    }

    template <class F>
    static void each_task(const nursery& n, F f) {
        std::vector<const nursery*> todo{&n};
        while (!todo.empty()) {
            auto const& tasks = todo.back()->children();
            todo.pop_back();
            for (green_task* t = tasks.front(); t; t = tasks.after(*t)) {
                f(*t);
                if (auto const* below = dynamic_cast<const nursery*>(t->waiting_on())) {
                    todo.push_back(below);
                }
            }
        }
    }

    void metadata(std::string_view what, std::uint64_t thread, std::string_view name) noexcept {
        owner_.add({'M', process_, thread, {}, what, nullptr, "name", name});
    }
    void begin(const green_task& t, std::string_view name, std::string_view category) noexcept {
        owner_.add({'B', process_, number(t), category, name});
    }
    void end(const green_task& t) noexcept { owner_.add({'E', process_, number(t)}); }

    void open(const green_task& t) noexcept {
        text_ = t.label();
        metadata("thread_name", number(t), text_);
        place_ = describe(t.spawned_at());
        owner_.add({'B', process_, number(t), "task", text_, nullptr, "spawned", place_});
    }
    /// What the task does between two steps; nothing when it ends.
    void begin_wait(const green_task& t) noexcept {
        text_.clear();
        if (t.state() == task_state::suspended) {
            t.waiting_on()->describe(text_);
        } else if (t.state() == task_state::ready || t.state() == task_state::created) {
            text_ = "ready";
        } else {
            return;
        }
        const promise_base* const frame = t.frame();
        place_ = describe(frame ? frame->awaiting() : t.spawned_at());
        owner_.add({'B', process_, number(t), "wait", text_, nullptr, "at", place_});
    }

    tracer& owner_;
    loop_core& core_;
    std::uint64_t session_;
    pid_t process_;
    bool attached_ = false;
    std::string text_;
    std::string place_;
};

void tracer::attach(loop_core& core) noexcept {
    std::lock_guard const lock(mutex_);
    if (file_ < 0) return;
    try {
        auto& mine = loops_[&core];
        if (mine) core.remove_observer(*mine);  // of a trace that was closed meanwhile
        mine = std::make_unique<loop_observer>(*this, core);
        core.add_observer(*mine);
    } catch (...) {  // no memory: this loop is not in the trace
        loops_.erase(&core);
    }
}

void tracer::detach(loop_core& core) noexcept {
    std::unique_ptr<loop_observer> mine;
    {
        std::lock_guard const lock(mutex_);
        auto const found = loops_.find(&core);
        if (found == loops_.end()) return;
        mine = std::move(found->second);
        loops_.erase(found);
    }
    if (mine->current()) mine->close();
    core.remove_observer(*mine);
    std::lock_guard const lock(mutex_);
    write_out();
}

// --- jobs, queries

void tracer::begin_async(const char* category, const void* id, std::string_view name) noexcept {
    add({'b', 0, 0, category, name, id});
}
void tracer::end_async(const char* category, const void* id) noexcept {
    add({'e', 0, 0, category, "", id});
}
void tracer::begin_on_thread(const char* category, std::string_view name) noexcept {
    pid_t const thread = ::gettid();
    bool is_new = false;
    {
        std::lock_guard const lock(mutex_);
        is_new = file_ >= 0 && threads_.insert(thread).second;
    }
    if (is_new) {
        std::array<char, 32> own_name{};
        pthread_getname_np(pthread_self(), own_name.data(), own_name.size());
        add(
            {'M',
             0,
             static_cast<std::uint64_t>(thread),
             {},
             "thread_name",
             nullptr,
             "name",
             own_name.data()}
        );
    }
    add({'B', 0, static_cast<std::uint64_t>(thread), category, name});
}
void tracer::end_on_thread() noexcept { add({'E', 0, static_cast<std::uint64_t>(::gettid())}); }

// --- the file

tracer& tracer::instance() {
    static auto& t = *new tracer;
    return t;
}

void tracer::open(const std::string& path) {
    std::lock_guard const lock(mutex_);
    if (file_ >= 0) {
        throw_logic_error("green: a trace is being written already; close that one first");
    }
    int const file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) {
        throw std::system_error(errno, std::generic_category(), "green: trace file " + path);
    }
    path_ = path;
    buffer_ = "[\n";
    buffer_.reserve(buffer_size + 4096);
    first_ = true;
    written_ = 0;
    threads_.clear();
    file_ = file;
    ++session_;
    start_ = last_flush_ = std::chrono::steady_clock::now();
    add_locked({'M', 0, 0, {}, "process_name", nullptr, "name", "jobs and queries"});
    write_out();
    active_.store(this, std::memory_order_release);
}

void tracer::open_by_environment() noexcept {
    static bool const once = [this] {
        const char* const path = ::secure_getenv("GREEN_TRACE");
        if (!path || !*path || active()) return true;
        try {
            open(path);
        } catch (const std::exception& e) {
            std::fprintf(stderr, "%s\n", e.what());
        }
        return true;
    }();
    static_cast<void>(once);
}

void tracer::close() noexcept {
    if (loop_core* const core = loop_core::current()) detach(*core);
    std::lock_guard const lock(mutex_);
    active_.store(nullptr, std::memory_order_release);
    write_out();
    if (file_ >= 0) ::close(std::exchange(file_, -1));
    ++session_;  // what other loops still have to say belongs to no trace
}

void tracer::after_fork_in_child() noexcept {
    active_.store(nullptr, std::memory_order_release);
    if (file_ >= 0) ::close(std::exchange(file_, -1));
    ++session_;
    mutex_.unlock();
}

void tracer::flush() noexcept {
    std::lock_guard const lock(mutex_);
    if (std::chrono::steady_clock::now() - last_flush_ >= std::chrono::seconds(1)) write_out();
}

void tracer::write_out() noexcept {
    if (file_ < 0 || buffer_.empty()) return;
    // For a moment the array is closed; the next write goes over the bracket.
    std::size_t const events = buffer_.size();
    buffer_ += "\n]\n";
    std::size_t done = 0;
    while (done < buffer_.size()) {
        ssize_t const n = ::pwrite(
            file_, buffer_.data() + done, buffer_.size() - done, written_ + static_cast<off_t>(done)
        );
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            std::fprintf(
                stderr, "green: the trace ends here: %s: %s\n", path_.c_str(), std::strerror(errno)
            );
            ::close(std::exchange(file_, -1));
            return;
        }
        done += static_cast<std::size_t>(n);
    }
    written_ += static_cast<off_t>(events);
    buffer_.clear();
    last_flush_ = std::chrono::steady_clock::now();
}

void tracer::add(const event& e) noexcept {
    std::lock_guard const lock(mutex_);
    if (file_ < 0) return;
    try {
        add_locked(e);
    } catch (...) {  // no memory: an event is lost
    }
    if (buffer_.size() >= buffer_size) write_out();
}

void tracer::add_locked(const event& e) {
    auto const ns = (std::chrono::steady_clock::now() - start_).count();
    std::array<char, 160> head;
    int const size = std::snprintf(
        head.data(), head.size(), R"(%s{"ph":"%c","ts":%lld.%03lld,"pid":%d,"tid":%llu)",
        first_ ? "" : ",\n", e.phase, static_cast<long long>(ns / 1000),
        static_cast<long long>(ns % 1000), static_cast<int>(e.process),
        static_cast<unsigned long long>(e.thread)
    );
    first_ = false;
    buffer_.append(head.data(), static_cast<std::size_t>(size));
    if (e.phase != 'E') {
        buffer_ += ",\"name\":";
        append_json(buffer_, e.name);
    }
    if (!e.category.empty()) {
        buffer_ += ",\"cat\":";
        append_json(buffer_, e.category);
    }
    if (e.id) {
        int const n = std::snprintf(head.data(), head.size(), R"(,"id":"%p")", e.id);
        buffer_.append(head.data(), static_cast<std::size_t>(n));
    }
    if (!e.argument.empty()) {
        buffer_ += ",\"args\":{";
        append_json(buffer_, e.argument);
        buffer_ += ':';
        append_json(buffer_, e.value);
        buffer_ += '}';
    }
    buffer_ += '}';
}

}  // namespace green::detail
