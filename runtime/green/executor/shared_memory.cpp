#include <green/executor/shared_memory.hpp>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <new>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace green::detail {
namespace {

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

bool is_limited(decltype(RLIMIT_AS) resource) noexcept {
    rlimit limit{};
    return ::getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

}  // namespace

memory_mapping::memory_mapping(int memory, std::size_t offset, std::size_t size, int protection) {
    if (size == 0) return;
    void* const at =
        ::mmap(nullptr, size, protection, MAP_SHARED, memory, static_cast<off_t>(offset));
    if (at == MAP_FAILED) fail("mmap");
    at_ = static_cast<std::byte*>(at);
    size_ = size;
}

memory_mapping::~memory_mapping() {
    if (at_) ::munmap(at_, size_);
}

descriptor sealed_memory(const char* name, std::size_t size) {
    descriptor memory(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memory || ::ftruncate(memory.get(), static_cast<off_t>(size)) != 0) fail("memfd_create");
    // Who could make it shorter could have others killed by SIGBUS.
    constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (::fcntl(memory.get(), F_ADD_SEALS, seals) != 0) fail("F_ADD_SEALS");
    return memory;
}

descriptor read_only(const descriptor& memory) {
    // Not even mprotect makes a mapping of such a descriptor writable.
    std::string const path = "/proc/self/fd/" + std::to_string(memory.get());
    descriptor reader(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!reader) fail(path.c_str());
    return reader;
}

std::size_t size_of_memory(int memory) noexcept {
    struct stat status = {};
    return ::fstat(memory, &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

descriptor memory_holding(const byte_buffer& bytes) {
    descriptor memory = shared_memory("green-call", bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
        ssize_t const n =
            ::pwrite(memory.get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
        if (n < 0) fail("memfd write");
        at += static_cast<std::size_t>(n);
    }
    return memory;
}

byte_buffer content_of(int memory) {
    byte_buffer bytes;
    for (off_t at = 0;;) {
        constexpr std::size_t step = std::size_t{1} << 16;
        ssize_t const got = ::pread(memory, bytes.extend(step), step, at);
        at += std::max<ssize_t>(got, 0);
        bytes.truncate(static_cast<std::size_t>(at));
        if (got <= 0) return bytes;
    }
}

std::size_t whole_pages(std::size_t size) noexcept {
    static std::size_t const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (size + page - 1) / page * page;
}

// --- the arena

shared_arena::shared_arena(memory_mapping memory)
    : memory_(std::move(memory)), kept_(whole_pages(memory_.size() / 4)) {
    owner_.take();
    if (memory_.size() != 0) free_.emplace(0, memory_.size());
}

std::byte* shared_arena::allocate(std::size_t size) noexcept try {
    if (size == 0 || size > memory_.size() || !owner_.is_this()) return nullptr;
    std::size_t const wanted = whole_pages(size);
    std::size_t offset = 0;
    {
        std::lock_guard const lock(mutex_);
        // The first that is large enough: low addresses are used again and again.
        auto const found = std::find_if(free_.begin(), free_.end(), [&](const auto& range) {
            return range.second >= wanted;
        });
        if (found == free_.end()) return nullptr;
        offset = found->first;
        taken_.emplace(offset, wanted);
        auto rest = free_.extract(found);
        rest.key() += wanted;
        rest.mapped() -= wanted;
        if (rest.mapped() != 0) free_.insert(std::move(rest));
    }
    std::byte* const piece = memory_.data() + offset;
    if (ensure_pages(offset, offset + wanted)) return piece;
    release(piece);
    return nullptr;
} catch (const std::bad_alloc&) {
    return nullptr;
}

bool shared_arena::extend(std::byte* piece, std::size_t size) noexcept {
    if (size > memory_.size() || !owner_.is_this()) return false;
    std::size_t const offset = offset_of(piece);
    std::size_t const wanted = whole_pages(size);
    std::size_t before = 0;
    {
        std::lock_guard const lock(mutex_);
        auto const taken = taken_.find(offset);
        before = taken->second;
        if (wanted <= before) return true;
        std::size_t const more = wanted - before;
        auto const behind = free_.find(offset + before);
        if (behind == free_.end() || behind->second < more) return false;
        auto rest = free_.extract(behind);
        rest.key() += more;
        rest.mapped() -= more;
        if (rest.mapped() != 0) free_.insert(std::move(rest));
        taken->second = wanted;
    }
    // Without memory of the system the piece is too long for its pages, and is not used that far.
    return ensure_pages(offset + before, offset + wanted);
}

void shared_arena::release(std::byte* piece) noexcept {
    if (!owner_.is_this()) return;
    std::size_t const offset = offset_of(piece);
    std::map<std::size_t, std::size_t>::node_type node;
    {
        std::lock_guard const lock(mutex_);
        node = taken_.extract(offset);
    }
    drop_pages(offset, offset + node.mapped());
    std::lock_guard const lock(mutex_);
    put_back(std::move(node));
}

/// Together with what is free on both sides of it.
void shared_arena::put_back(std::map<std::size_t, std::size_t>::node_type piece) noexcept {
    auto const next = free_.find(piece.key() + piece.mapped());
    if (next != free_.end()) {
        piece.mapped() += next->second;
        free_.erase(next);
    }
    auto const after = free_.lower_bound(piece.key());
    if (after != free_.begin()) {
        auto const before = std::prev(after);
        if (before->first + before->second == piece.key()) {
            before->second += piece.mapped();
            return;
        }
    }
    free_.insert(std::move(piece));
}

/// All at once: a page fault for each costs more than to fill it. And a system without memory says so
/// here, instead of by a signal.
bool shared_arena::ensure_pages(std::size_t from, std::size_t to) noexcept {
    {
        std::lock_guard const lock(mutex_);
        from = std::max(from, std::min(touched_, to));
    }
    if (from == to) return true;
    int done;
    do done = ::madvise(memory_.data() + from, to - from, MADV_POPULATE_WRITE);
    while (done != 0 && errno == EINTR);
    if (done != 0 && errno != EINVAL) return false;  // EINVAL: Linux before 5.14 does not know it
    std::lock_guard const lock(mutex_);
    if (from <= touched_) touched_ = std::max(touched_, std::min(to, kept_));
    return true;
}

void shared_arena::drop_pages(std::size_t from, std::size_t to) noexcept {
    from = std::max(from, kept_);
    if (from < to) ::madvise(memory_.data() + from, to - from, MADV_REMOVE);
}

std::size_t shared_arena::used() const {
    std::lock_guard const lock(mutex_);
    std::size_t sum = 0;
    for (const auto& [offset, size] : taken_) sum += size;
    return sum;
}

// --- an executor's share

std::size_t allowed_arena_size(std::size_t wanted) noexcept {
    // The second counts for memory files too, by a signal.
    return is_limited(RLIMIT_AS) || is_limited(RLIMIT_FSIZE) ? 0 : whole_pages(wanted);
}

shared_arguments::shared_arguments(std::size_t size) {
    descriptor const memory = sealed_memory("green-arguments", size);
    for_workers = read_only(memory);
    if (size == 0) return;
    arena = std::make_shared<shared_arena>(
        memory_mapping(memory.get(), 0, size, PROT_READ | PROT_WRITE)
    );
}

}  // namespace green::detail
