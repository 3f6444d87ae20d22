#include <green/executor/sandbox.hpp>

#include <green/executor/executor_error.hpp>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <system_error>

#if GREEN_HAVE_SECCOMP

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace green {
namespace {

[[noreturn]] void fail(int error, const char* what) {
    throw std::system_error(error, std::generic_category(), what);
}

// --- landlock: what the kernel refuses whatever the system call is

/// As of version 6 of the kernel's interface; older ones know the first one or two members.
struct landlock_rules {
    std::uint64_t files;
    std::uint64_t network;
    std::uint64_t scope;
};

constexpr std::uint64_t bits(int count) {
    return (std::uint64_t{1} << static_cast<unsigned>(count)) - 1;
}

/// All that this version of the interface can refuse, and the size of its structure.
landlock_rules all_rules(long version, std::size_t& size) {
    landlock_rules rules{};
    rules.files = bits(version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13);
    if (version >= 4) rules.network = bits(2);
    if (version >= 6) rules.scope = bits(2);
    size = sizeof(std::uint64_t) * (version >= 6 ? 3U : version >= 4 ? 2U : 1U);
    return rules;
}

/// Besides seccomp, so that an older kernel does without.
void refuse_by_landlock() {
    constexpr unsigned ask_version = 1;
    long const version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, ask_version);
    if (version < 1) return;
    std::size_t size = 0;
    landlock_rules const rules = all_rules(version, size);
    auto const set = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size, 0));
    if (set < 0) fail(errno, "sandbox: landlock_create_ruleset");
    long const done = ::syscall(SYS_landlock_restrict_self, set, 0);
    int const error = errno;
    ::close(set);
    if (done != 0) fail(error, "sandbox: landlock_restrict_self");
}

// --- seccomp: the system calls of a computation

constexpr int allowed_calls[] = {
    // memory
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    // descriptors that are open, and those that lead nowhere but here
    SCMP_SYS(close),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(fstat),
    SCMP_SYS(lseek),
    SCMP_SYS(pipe2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(pselect6),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(select),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(shutdown),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    // threads
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(futex),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(getcpu),
    SCMP_SYS(membarrier),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    // time
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),
    SCMP_SYS(time),
    // who it is
    SCMP_SYS(getegid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(uname),
    // its own signals
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
};

class seccomp_filter {
public:
    seccomp_filter() : filter_(::seccomp_init(SCMP_ACT_ERRNO(EPERM))) {
        if (!filter_) fail(ENOMEM, "sandbox: seccomp_init");
        // For the threads that are there already too.
        check(::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1));
    }

    void allow(int call) { check(::seccomp_rule_add(filter_.get(), SCMP_ACT_ALLOW, call, 0)); }

    /// Only with this value in these bits of the argument `number`.
    void allow_with(int call, unsigned number, scmp_datum_t bits, scmp_datum_t value) {
        scmp_arg_cmp const argument{number, SCMP_CMP_MASKED_EQ, bits, value};
        check(::seccomp_rule_add(filter_.get(), SCMP_ACT_ALLOW, call, 1, argument));
    }

    /// As a kernel that does not have the call.
    void hide(int call) {
        check(::seccomp_rule_add(filter_.get(), SCMP_ACT_ERRNO(ENOSYS), call, 0));
    }

    void load() { check(::seccomp_load(filter_.get())); }

private:
    static void check(int result) {
        if (result != 0) fail(-result, "sandbox: seccomp");
    }

    struct release {
        void operator()(void* filter) const noexcept { ::seccomp_release(filter); }
    };
    std::unique_ptr<void, release> filter_;
};

void refuse_by_seccomp() {
    seccomp_filter filter;
    for (int const call : allowed_calls) filter.allow(call);

    // The kernel takes an int from the lower half of a register and does not look at the upper one.
    constexpr scmp_datum_t whole_int = 0xffff'ffff;
    auto const self = static_cast<scmp_datum_t>(::getpid());
    filter.allow_with(SCMP_SYS(tgkill), 0, whole_int, self);  // raise, abort
    filter.allow_with(SCMP_SYS(kill), 0, whole_int, self);
    filter.allow_with(SCMP_SYS(prctl), 0, whole_int, PR_SET_NAME);
    filter.allow_with(SCMP_SYS(fcntl), 1, whole_int, F_GETFL);
    filter.allow_with(SCMP_SYS(fcntl), 1, whole_int, F_SETFL);

    // Threads, but no processes. What clone3 is to do stands in memory, where a filter cannot look:
    // without it glibc takes clone.
    filter.allow_with(SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
    filter.hide(SCMP_SYS(clone3));
    filter.load();
}

}  // namespace

void enter_sandbox() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(errno, "sandbox: no_new_privs");
    refuse_by_landlock();
    refuse_by_seccomp();
}

bool sandbox_available() noexcept { return true; }

}  // namespace green

#else

namespace green {

void enter_sandbox() { throw executor_error("sandbox: green was built without libseccomp"); }

bool sandbox_available() noexcept { return false; }

}  // namespace green

#endif
