#include <green/loop/tracer.hpp>

#include <green/core/errors.hpp>
#include <green/core/json.hpp>
#include <green/core/promise.hpp>
#include <green/core/source_text.hpp>
#include <green/loop/loop_core.hpp>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace green::detail {
namespace {

void append_number(std::string& out, std::uint64_t n, int base = 10) {
    std::array<char, 20> digits;
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), n, base).ptr;
    out.append(digits.data(), end);
}

}  // namespace

// --- the tasks of a loop

class tracer::loop_observer final : public task_observer {
public:
    loop_observer(tracer& owner, loop_core& core)
        : owner_(owner), core_(core), session_(owner.session_), process_(core.thread_id()) {}

    bool current() const noexcept { return session_ == owner_.session_; }

    void attached(scheduler&) noexcept override {
        attached_ = true;
        text_ = "loop of thread " + std::to_string(process_);
        owner_.add({metadata("process_name", 0, text_)});
        each_task(core_.root(), [this](green_task& t) { spawned(t); });
    }
    void spawned(green_task& t) noexcept override {
        text_ = t.label();
        owner_.add(
            {metadata("thread_name", number(t), text_),
             {'B', process_, number(t), "task", text_, nullptr, "spawned", place(t.spawned_at())}}
        );
        if (waits(t)) owner_.add({begin_wait(t)});
    }
    void resumes(green_task& t) noexcept override {
        owner_.add({end(t), {'B', process_, number(t), "task", "run"}});
    }
    void paused(green_task& t) noexcept override {
        if (waits(t)) {
            owner_.add({end(t), begin_wait(t)});
        } else {
            owner_.add({end(t)});
        }
    }
    void ended(green_task& t) noexcept override {
        const char* const outcome = t.was_cancelled() ? "cancelled"
            : t.failed()                              ? "failed"
                                                      : "done";
        owner_.add({{'E', process_, number(t), {}, {}, nullptr, "outcome", outcome}});
    }
    void polls() noexcept override { owner_.flush(); }

    /// Ends the spans of all tasks that there are.
    void close() noexcept {
        if (!attached_) return;
        each_task(core_.root(), [this](green_task& t) {
            bool const concluding = t.state() == task_state::unwinding && core_.running() == &t;
            if (!concluding && !t.ended()) owner_.add({end(t)});
            owner_.add({end(t)});
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

    event metadata(std::string_view what, std::uint64_t thread, std::string_view name) noexcept {
        return {'M', process_, thread, {}, what, nullptr, "name", name};
    }
    event end(const green_task& t) noexcept { return {'E', process_, number(t)}; }

    /// Whether the task does something between two steps: not when it ends.
    static bool waits(const green_task& t) noexcept {
        return t.state() == task_state::suspended || t.state() == task_state::ready ||
            t.state() == task_state::created;
    }
    /// Refers to text_.
    event begin_wait(const green_task& t) noexcept {
        text_.clear();
        if (t.state() == task_state::suspended) {
            t.waiting_on()->describe(text_);
        } else {
            text_ = "ready";
        }
        const promise_base* const frame = t.frame();
        std::string_view const at = place(frame ? frame->awaiting() : t.spawned_at());
        return {'B', process_, number(t), "wait", text_, nullptr, "at", at};
    }

    /// `main.cpp:12 in f()`, made once for each place in the program.
    std::string_view place(const std::source_location& where) {
        // The names are literals of the compiler: their addresses tell places apart.
        auto const key = std::tuple(where.file_name(), where.function_name(), where.line());
        auto const found = places_.find(key);
        if (found != places_.end()) return found->second;
        return places_.emplace(key, describe(where)).first->second;
    }

    tracer& owner_;
    loop_core& core_;
    std::uint64_t session_;
    pid_t process_;
    bool attached_ = false;
    std::string text_;
    std::map<std::tuple<const char*, const char*, std::uint_least32_t>, std::string> places_;
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
    add({{'b', 0, 0, category, name, id}});
}
void tracer::end_async(const char* category, const void* id) noexcept {
    add({{'e', 0, 0, category, "", id}});
}
void tracer::begin_on_thread(const char* category, std::string_view name) noexcept {
    auto const thread = static_cast<std::uint64_t>(::gettid());
    bool is_new = false;
    {
        std::lock_guard const lock(mutex_);
        is_new = file_ >= 0 && threads_.insert(::gettid()).second;
    }
    if (is_new) {
        std::array<char, 32> own_name{};
        pthread_getname_np(pthread_self(), own_name.data(), own_name.size());
        add({{'M', 0, thread, {}, "thread_name", nullptr, "name", own_name.data()}});
    }
    add({{'B', 0, thread, category, name}});
}
void tracer::end_on_thread() noexcept { add({{'E', 0, static_cast<std::uint64_t>(::gettid())}}); }

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
    append({'M', 0, 0, {}, "process_name", nullptr, "name", "jobs and queries"}, {});
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

void tracer::add(std::initializer_list<event> events) noexcept {
    std::lock_guard const lock(mutex_);
    if (file_ < 0) return;
    auto const since_start = std::chrono::steady_clock::now() - start_;
    try {
        for (const event& e : events) append(e, since_start);
    } catch (...) {  // no memory: an event is lost
    }
    if (buffer_.size() >= buffer_size) write_out();
}

void tracer::append(const event& e, std::chrono::nanoseconds since_start) {
    auto const ns = static_cast<std::uint64_t>(since_start.count());
    buffer_ += first_ ? R"({"ph":")" : ",\n{\"ph\":\"";
    first_ = false;
    buffer_ += e.phase;
    buffer_ += R"(","ts":)";
    append_number(buffer_, ns / 1000);
    buffer_ += '.';
    buffer_ += static_cast<char>('0' + ns / 100 % 10);
    buffer_ += static_cast<char>('0' + ns / 10 % 10);
    buffer_ += static_cast<char>('0' + ns % 10);
    buffer_ += R"(,"pid":)";
    append_number(buffer_, static_cast<std::uint64_t>(e.process));
    buffer_ += R"(,"tid":)";
    append_number(buffer_, e.thread);
    if (e.phase != 'E') {
        buffer_ += ",\"name\":";
        append_json(buffer_, e.name);
    }
    if (!e.category.empty()) {
        buffer_ += ",\"cat\":";
        append_json(buffer_, e.category);
    }
    if (e.id) {
        buffer_ += R"(,"id":"0x)";
        append_number(buffer_, reinterpret_cast<std::uintptr_t>(e.id), 16);
        buffer_ += '"';
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
