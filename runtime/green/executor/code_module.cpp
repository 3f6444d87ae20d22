#include <green/executor/code_module.hpp>

#include <green/executor/executor_error.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

namespace green::detail {
namespace {

/// The dynamic linker tells addresses as numbers.
const void* pointer_to(std::uintptr_t address) noexcept {
    return reinterpret_cast<const void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

std::string real_path(const char* name) {
    struct release {
        void operator()(char* p) const noexcept { std::free(p); }
    };
    std::unique_ptr<char, release> const resolved(::realpath(name, nullptr));
    return resolved ? resolved.get() : name;
}

std::string hexadecimal(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (char const c : bytes) {
        auto const byte = static_cast<unsigned char>(c);
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

/// The content of the note that linkers write with --build-id; empty without one.
std::string_view find_build_id(const char* notes, std::size_t size, std::size_t alignment) {
    auto const padded = [&](std::size_t n) { return (n + alignment - 1) / alignment * alignment; };
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) header;
        std::memcpy(&header, notes, sizeof header);
        std::size_t const name_at = sizeof header;
        std::size_t const content_at = name_at + padded(header.n_namesz);
        std::size_t const next = content_at + padded(header.n_descsz);
        if (content_at + header.n_descsz > size) break;
        if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 &&
            std::memcmp(notes + name_at, "GNU", 4) == 0) {
            return {notes + content_at, header.n_descsz};
        }
        if (next >= size) break;
        notes += next;
        size -= next;
    }
    return {};
}

/// What identifies a file without a build id. The link in /proc leads to the program that runs even
/// when its name is gone.
std::string file_identity(const std::string& path) {
    struct stat s{};
    if (::stat(path.empty() ? "/proc/self/exe" : path.c_str(), &s) != 0) return "unknown";
    return "file " + std::to_string(s.st_size) + " " + std::to_string(s.st_mtim.tv_sec) + "." +
        std::to_string(s.st_mtim.tv_nsec) + " " + std::to_string(s.st_ino);
}

/// FNV-1a.
std::uint64_t hash_of(std::string_view text) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (char const c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    return hash;
}

/// Calls `visit(info, is_program)` for each module until it returns true.
template <class F>
void for_each_module(F visit) {
    struct state {
        F& visit;
        bool first = true;
    } all{visit};
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* p) {
            auto& s = *static_cast<state*>(p);
            return s.visit(*info, std::exchange(s.first, false)) ? 1 : 0;
        },
        &all
    );
}

/// How often something was unloaded: what is known of addresses holds as long as that is the same.
unsigned long long unloads() {
    unsigned long long n = 0;
    for_each_module([&](const dl_phdr_info& info, bool) {
        n = info.dlpi_subs;
        return true;
    });
    return n;
}

bool covers(const dl_phdr_info& info, std::uintptr_t address) noexcept {
    for (int i = 0; i < info.dlpi_phnum; ++i) {
        const auto& header = info.dlpi_phdr[i];
        if (header.p_type == PT_LOAD &&
            address - info.dlpi_addr - header.p_vaddr < header.p_memsz) {
            return true;
        }
    }
    return false;
}

}  // namespace

struct module_reader {
    static module_ptr read(const dl_phdr_info& info, bool is_program) {
        auto made = std::make_shared<code_module>();
        made->base_ = info.dlpi_addr;
        if (!is_program) made->path_ = real_path(info.dlpi_name);
        read_segments(*made, info);
        if (made->build_id_.empty()) made->build_id_ = file_identity(made->path_);
        made->identity_ = hash_of(made->build_id_);
        return made;
    }

    static const std::string& build_id(const code_module& m) { return m.build_id_; }

private:
    static void read_segments(code_module& m, const dl_phdr_info& info) {
        bool has_relro = false;
        for (int i = 0; i < info.dlpi_phnum; ++i) {
            has_relro = has_relro || info.dlpi_phdr[i].p_type == PT_GNU_RELRO;
        }
        for (int i = 0; i < info.dlpi_phnum; ++i) {
            const auto& header = info.dlpi_phdr[i];
            std::uintptr_t const begin = header.p_vaddr;
            std::uintptr_t const end = begin + header.p_memsz;
            bool const readable = (header.p_flags & PF_R) != 0;
            bool const writable = (header.p_flags & PF_W) != 0;
            if (header.p_type == PT_LOAD) {
                // Linked without relro, constants with addresses in them stay writable.
                m.segments_.push_back(
                    {begin, end, (header.p_flags & PF_X) != 0, readable && (!writable || !has_relro)
                    }
                );
            } else if (header.p_type == PT_GNU_RELRO) {
                m.segments_.push_back({begin, end, false, true});
            } else if (header.p_type == PT_NOTE && m.build_id_.empty()) {
                auto const* const notes =
                    static_cast<const char*>(pointer_to(info.dlpi_addr + begin));
                m.build_id_ =
                    hexadecimal(find_build_id(notes, header.p_memsz, header.p_align == 8 ? 8 : 4));
            }
        }
    }
};

bool code_module::contains(const void* address) const noexcept {
    std::uintptr_t const at = reinterpret_cast<std::uintptr_t>(address) - base_;
    return std::any_of(segments_.begin(), segments_.end(), [=](const segment& s) {
        return at >= s.begin && at < s.end;
    });
}

std::uint64_t code_module::offset_of(const void* address) const noexcept {
    return reinterpret_cast<std::uintptr_t>(address) - base_;
}

const void* code_module::code_at(std::uint64_t offset) const noexcept {
    bool const found = std::any_of(segments_.begin(), segments_.end(), [=](const segment& s) {
        return s.executable && offset >= s.begin && offset < s.end;
    });
    return found ? pointer_to(base_ + offset) : nullptr;
}

const void* code_module::constant_at(std::uint64_t offset, std::size_t size) const noexcept {
    bool const found = std::any_of(segments_.begin(), segments_.end(), [=](const segment& s) {
        return s.constant && offset >= s.begin && offset <= s.end && s.end - offset >= size;
    });
    return found ? pointer_to(base_ + offset) : nullptr;
}

namespace {

/// The libraries that were asked for, until something is unloaded.
class module_cache {
public:
    module_ptr by_address(const void* address) {
        std::lock_guard const lock(mutex_);
        forget_unloaded();
        for (const auto& m : known_) {
            if (m->contains(address)) return m;
        }
        return keep([&](const dl_phdr_info& info) {
            return covers(info, reinterpret_cast<std::uintptr_t>(address));
        });
    }

    module_ptr by_path(std::string_view path) {
        std::lock_guard const lock(mutex_);
        forget_unloaded();
        for (const auto& m : known_) {
            if (m->path() == path) return m;
        }
        return keep([&](const dl_phdr_info& info) { return real_path(info.dlpi_name) == path; });
    }

private:
    void forget_unloaded() {
        if (unsigned long long const now = unloads(); now != unloads_) {
            known_.clear();
            unloads_ = now;
        }
    }

    template <class F>
    module_ptr keep(F is_it) {
        module_ptr found;
        for_each_module([&](const dl_phdr_info& info, bool is_program) {
            if (is_program || !is_it(info)) return false;
            found = module_reader::read(info, false);
            return true;
        });
        if (found) known_.push_back(found);
        return found;
    }

    std::mutex mutex_;
    std::vector<module_ptr> known_;
    unsigned long long unloads_ = 0;
};

/// Never destroyed, as nothing here: threads of executors need it while the program exits.
module_cache& modules() {
    static module_cache& cache = *new module_cache;
    return cache;
}

const module_ptr& main_module_ptr() {
    static const module_ptr& program = *new module_ptr([] {
        module_ptr read;
        for_each_module([&](const dl_phdr_info& info, bool) {
            read = module_reader::read(info, true);
            return true;
        });
        return read;
    }());
    return program;
}

}  // namespace

const code_module& main_module() { return *main_module_ptr(); }

module_ptr module_of(const void* address) {
    if (main_module().contains(address)) return main_module_ptr();
    module_ptr found = modules().by_address(address);
    if (!found) {
        throw executor_error("submit: the function is neither in the program nor in a library");
    }
    return found;
}

module_ptr module_at(std::string_view path, std::uint64_t identity) {
    if (path.empty()) return main_module_ptr();
    module_ptr found = modules().by_path(path);
    if (!found) {
        std::string const name(path);
        if (::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
            throw executor_error("load " + name + ": " + ::dlerror());
        }
        found = modules().by_path(path);
    }
    if (!found || found->identity() != identity) {
        throw executor_error(
            "load " + std::string(path) + ": it is another build than the one that the job is from"
        );
    }
    return found;
}

std::string build_identity() { return module_reader::build_id(main_module()); }

}  // namespace green::detail
