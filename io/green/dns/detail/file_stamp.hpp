#pragma once

#include <cstddef>
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

/// Larger ones are nobody's configuration.
inline constexpr std::size_t longest_file = std::size_t{256} << 20;  // bytes

/// The content of a regular file; empty if there is none, if it cannot be read or is over `longest_file`.
/// `stamp` is set to what was read. Blocks on the disk, never on a pipe.
std::string read_small_file(const char* path, file_stamp& stamp);

}  // namespace green::detail
