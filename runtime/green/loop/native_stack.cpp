#include <green/loop/native_stack.hpp>

#include <green/core/promise.hpp>
#include <green/core/scheduler.hpp>
#include <green/core/source_text.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include <cxxabi.h>
#include <dlfcn.h>
#include <unistd.h>
#include <unwind.h>
#if GREEN_HAVE_LIBDW
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#endif

namespace green::detail {
namespace {

//  idle ──asked by take_picture──► wanted ──the handler begins──► drawing ──► done ──► idle
//                                    └────────given up────────────────────────────────►─┘
enum class phase : int { idle, wanted, drawing, done };

std::atomic<phase> stage{phase::idle};
thread_picture picture;

// NOLINTBEGIN(performance-no-int-to-ptr): registers are integers, what is in these is an address

/// Where the handler interrupted the thread; null where that is not known.
void* interrupted_at([[maybe_unused]] void* context) noexcept {
#if defined(__x86_64__)
    return reinterpret_cast<void*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
    return reinterpret_cast<void*>(static_cast<ucontext_t*>(context)->uc_mcontext.pc);
#else
    return nullptr;
#endif
}

_Unwind_Reason_Code add_address(_Unwind_Context* context, void*) {
    if (picture.addresses_size == picture.addresses.size()) return _URC_END_OF_STACK;
    picture.addresses[picture.addresses_size++] = reinterpret_cast<void*>(_Unwind_GetIP(context));
    return _URC_NO_REASON;
}

// NOLINTEND(performance-no-int-to-ptr)

/// Async-signal-safe: it reads what its own thread has written and asks for no memory. So is libgcc's
/// unwinder with glibc 2.35 (_dl_find_object) and once it has been loaded.
void draw(void* context) noexcept {
    picture.in_loop = false;
    picture.task = task_id::none;
    picture.name_size = picture.chain_size = picture.addresses_size = 0;
    picture.chain_is_longer = false;
    if (const scheduler* const s = scheduler::current()) {
        picture.in_loop = true;
        picture.resumes = s->resumes();
        if (const green_task* const t = s->running()) {
            picture.task = t->id();
            picture.spawned_at = t->spawned_at();
            std::string_view const name = t->name();
            picture.name_size = std::min(name.size(), picture.name.size());
            std::copy_n(name.data(), picture.name_size, picture.name.data());  // null: has no name
            for (const promise_base* p = s->innermost(); p; p = p->parent()) {
                if (picture.chain_size == picture.chain.size()) {
                    picture.chain_is_longer = true;
                    break;
                }
                picture.chain[picture.chain_size++] = p->awaiting();
            }
        }
    }
    _Unwind_Backtrace(&add_address, nullptr);
    // The first ones are this handler's.
    auto* const first = picture.addresses.data();
    auto* const last = first + picture.addresses_size;
    auto* const begin = std::find(first, last, interrupted_at(context));
    if (begin != last) {
        std::copy(begin, last, first);
        picture.addresses_size = static_cast<std::size_t>(last - begin);
    }
}

void on_signal(int, siginfo_t*, void* context) {
    int const saved = errno;
    phase expected = phase::wanted;
    if (stage.compare_exchange_strong(expected, phase::drawing, std::memory_order_acq_rel)) {
        draw(context);
        stage.store(phase::done, std::memory_order_release);
    }
    errno = saved;
}

}  // namespace

const thread_picture* take_picture(pthread_t thread, std::chrono::milliseconds patience) noexcept {
    struct sigaction old{};
    if (sigaction(SIGURG, nullptr, &old) != 0) return nullptr;
    if ((old.sa_flags & SA_SIGINFO) != 0 ||
        (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN)) {
        return nullptr;  // the program's own
    }
    picture.addresses_size = 0;
    _Unwind_Backtrace(&add_address, nullptr);  // loads the unwinder, which a handler must not

    struct sigaction ours{};
    ours.sa_sigaction = &on_signal;
    ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigemptyset(&ours.sa_mask);
    if (sigaction(SIGURG, &ours, nullptr) != 0) return nullptr;
    stage.store(phase::wanted, std::memory_order_release);
    bool answered = false;
    if (pthread_kill(thread, SIGURG) == 0) {
        using clock = std::chrono::steady_clock;
        auto const limit = clock::now() + patience;
        for (;;) {
            answered = stage.load(std::memory_order_acquire) == phase::done;
            if (answered || clock::now() >= limit) break;
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    }
    phase expected = phase::wanted;
    if (!answered && !stage.compare_exchange_strong(expected, phase::idle)) {
        // Too late to give up: it is being drawn.
        while (stage.load(std::memory_order_acquire) != phase::done) std::this_thread::yield();
        answered = true;
    }
    stage.store(phase::idle, std::memory_order_relaxed);
    sigaction(SIGURG, &old, nullptr);
    return answered ? &picture : nullptr;
}

// --- names of addresses

namespace {

std::string demangled(const char* symbol) {
    int status = 0;
    std::unique_ptr<char, void (*)(void*)> const text(
        abi::__cxa_demangle(symbol, nullptr, nullptr, &status), &std::free
    );
    return short_function(status == 0 ? text.get() : symbol);
}

/// `libfoo.so+0x1234`, for addr2line.
std::string by_module(void* address) {
    Dl_info info{};
    if (dladdr(address, &info) == 0 || !info.dli_fname) return "?";
    std::string_view file = info.dli_fname;
    if (auto const slash = file.rfind('/'); slash != std::string_view::npos) {
        file.remove_prefix(slash + 1);
    }
    char offset[32];
    std::snprintf(
        offset, sizeof offset, "+%#tx",
        static_cast<const char*>(address) - static_cast<const char*>(info.dli_fbase)
    );
    std::string text;
    if (info.dli_sname) text = demangled(info.dli_sname) + " ";
    return text.append("(").append(file).append(offset).append(")");
}

#if GREEN_HAVE_LIBDW

/// The debug information of this process, from the files it was loaded from.
class symbols {
public:
    symbols() : session_(dwfl_begin(&callbacks)) {
        if (!session_) return;
        dwfl_report_begin(session_);
        if (dwfl_linux_proc_report(session_, ::getpid()) != 0 ||
            dwfl_report_end(session_, nullptr, nullptr) != 0) {
            dwfl_end(session_);
            session_ = nullptr;
        }
    }
    symbols(const symbols&) = delete;
    symbols& operator=(const symbols&) = delete;
    ~symbols() = delete;  // kept for the next report

    /// A return address belongs to the call before it.
    std::string describe(void* address, bool is_return_address) const {
        auto const at = reinterpret_cast<Dwarf_Addr>(address) - (is_return_address ? 1 : 0);
        Dwfl_Module* const module = session_ ? dwfl_addrmodule(session_, at) : nullptr;
        const char* const symbol = module ? dwfl_module_addrname(module, at) : nullptr;
        if (!symbol) return by_module(address);
        std::string text = demangled(symbol);
        if (Dwarf_Line* const line = line_of(module, at)) {
            int number = 0;
            dwarf_lineno(line, &number);
            text.append(" at ").append(short_file(dwarf_linesrc(line, nullptr, nullptr)));
            text += ":" + std::to_string(number);
        }
        return text;
    }

private:
    static Dwarf_Line* line_of(Dwfl_Module* module, Dwarf_Addr at) {
        Dwarf_Addr bias = 0;
        Dwarf_Die* unit = dwfl_module_addrdie(module, at, &bias);
        if (!unit) {
            // Clang writes no .debug_aranges, without which libdw before 0.191 finds nothing.
            while ((unit = dwfl_module_nextcu(module, unit, &bias)) != nullptr) {
                if (dwarf_haspc(unit, at - bias) == 1) break;
            }
        }
        return unit ? dwarf_getsrc_die(unit, at - bias) : nullptr;
    }

    // Not the standard way to debug information, which may ask a server for it.
    static constexpr Dwfl_Callbacks callbacks{
        &dwfl_linux_proc_find_elf, &dwfl_build_id_find_debuginfo, nullptr, nullptr
    };
    Dwfl* session_;
};

#else

class symbols {
public:
    std::string describe(void* address, bool) const { return by_module(address); }
};

#endif

}  // namespace

std::string describe_stack(const thread_picture& p) {
    // Kept: reading debug information takes a tenth of a second. Only the watchdog comes here.
    static const auto& names = *new symbols;
    std::string text;
    std::size_t size = p.addresses_size;
    if (size > 0 && !p.addresses[size - 1]) --size;  // the end mark of some unwinders
    for (std::size_t i = 0; i < size; ++i) {
        text += "    #" + std::to_string(i) + " " + names.describe(p.addresses[i], i > 0) + "\n";
    }
    return text;
}

}  // namespace green::detail
