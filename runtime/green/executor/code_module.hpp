#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Where code and constants are, told so that another process of the same program finds them: the
// program and its libraries lie at other addresses there, but what is in them at the same offsets.

namespace green::detail {

/// A file of code that is loaded: the program itself, or a shared library.
class code_module {
public:
    struct segment {
        std::uintptr_t begin;  // relative to the module
        std::uintptr_t end;
        bool executable;
        bool constant;  // never written to after it was loaded
    };

    /// "" for the program itself, an absolute path for a library.
    const std::string& path() const noexcept { return path_; }
    /// The same number in every process that has loaded the same build of it.
    std::uint64_t identity() const noexcept { return identity_; }

    bool contains(const void* address) const noexcept;
    /// Of an address that it contains.
    std::uint64_t offset_of(const void* address) const noexcept;

    /// The address of an instruction; null if there is no code at `offset`.
    const void* code_at(std::uint64_t offset) const noexcept;
    /// The address of `size` bytes of constant data; null if there are none at `offset`.
    const void* constant_at(std::uint64_t offset, std::size_t size) const noexcept;

private:
    friend struct module_reader;

    std::string path_;
    std::string build_id_;
    std::uint64_t identity_ = 0;
    std::uintptr_t base_ = 0;
    std::vector<segment> segments_;
};

using module_ptr = std::shared_ptr<const code_module>;

/// The program itself.
const code_module& main_module();

/// The module that an address belongs to; executor_error if there is none, as for code that was
/// generated at run time. Any thread.
module_ptr module_of(const void* address);

/// The module of a path, which is loaded if it is not there; executor_error if it cannot be or is
/// of another build than `identity` says. Any thread.
module_ptr module_at(std::string_view path, std::uint64_t identity);

/// A text that is equal in two processes only if they run the same build of the program: its build
/// id, or the size, time and inode of its file if it was linked without one.
std::string build_identity();

}  // namespace green::detail
