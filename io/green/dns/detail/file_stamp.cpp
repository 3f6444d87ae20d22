#include <green/dns/detail/file_stamp.hpp>

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace green::detail {

namespace {

file_stamp stamp_from(const struct stat& s) {
    file_stamp stamp;
#if defined(__APPLE__)
    stamp.modified_ns = s.st_mtimespec.tv_sec * 1'000'000'000LL + s.st_mtimespec.tv_nsec;
#else
    stamp.modified_ns = s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec;
#endif
    stamp.size = static_cast<std::uint64_t>(s.st_size);
    stamp.inode = static_cast<std::uint64_t>(s.st_ino);
    return stamp;
}

}  // namespace

file_stamp file_stamp::of(const char* path) noexcept {
    struct stat s;
    return stat(path, &s) == 0 ? stamp_from(s) : file_stamp{};
}

std::string read_small_file(const char* path, file_stamp& stamp) {
    stamp = {};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return {};
    struct closer {
        int fd;
        ~closer() { close(fd); }
    } const guard{fd};

    struct stat s;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) return {};
    stamp = stamp_from(s);
    std::string text;
    char buffer[16384];
    for (;;) {
        const ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return text;
        text.append(buffer, static_cast<std::size_t>(n));
        if (text.size() > longest_file) return {};
    }
}

}  // namespace green::detail
