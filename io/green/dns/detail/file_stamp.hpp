#pragma once

#include <cstdint>
#include <string>

namespace green::detail {

/// Tells whether a file has changed. All zero for a file that cannot be looked at.
struct file_stamp {
    std::int64_t modified_ns = 0;
    std::uint64_t size = 0;
    std::uint64_t inode = 0;

    static file_stamp of(const char* path) noexcept;
    friend bool operator==(const file_stamp&, const file_stamp&) = default;
};

/// The content of a regular file; empty if there is none, if it cannot be read or is over 256 MB.
/// `stamp` is set to what was read. Blocks on the disk, never on a pipe.
std::string read_small_file(const char* path, file_stamp& stamp);

}  // namespace green::detail
