#pragma once

#include <green/dns/detail/file_stamp.hpp>
#include <green/net/address.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace green::detail {

/// A hosts file, read once into a hash: a lookup costs the same with three lines as with the 100 000
/// of an advertisement filter. Reading those takes tens of milliseconds: do it off the loop. Immutable
/// afterwards, hence safe to hand from the thread that read it. Who holds it compares `stamp()` with
/// `file_stamp::of` every few seconds and reads anew.
///
/// Lines and words that make no sense are skipped.
class hosts_file {
public:
    hosts_file() = default;
    explicit hosts_file(std::string text);
    static hosts_file load(const char* path = "/etc/hosts");

    /// The addresses of a name in the order of the file, without repetition. `family` is 0, 4 or 6.
    /// The name is compared without case.
    std::vector<address> lookup(std::string_view name, int family = 0) const;

    /// Whether the file has the name at all. If it does, the file alone answers for it, even when
    /// `lookup` finds nothing in one of the families.
    bool contains(std::string_view name) const;

    /// The first name of the first line with this address, whatever its port. Lower-cased.
    std::optional<std::string_view> reverse(const address& ip) const;

    const file_stamp& stamp() const noexcept { return stamp_; }
    std::size_t names() const noexcept { return names_; }

private:
    static constexpr std::uint32_t none = 0xffffffff;

    struct entry {
        std::uint32_t name_at;  // in text_
        std::uint32_t name_size;
        std::uint32_t ip;  // in addresses_
        std::uint32_t next;  // entry of the same name, in the order of the file
        std::uint32_t last;  // of the first entry of a name: the end of that chain
    };

    void read_line(std::size_t begin, std::size_t end);
    void add(std::size_t begin, std::size_t end);
    void grow();
    std::uint32_t* slot_of(std::string_view name);
    const entry* find(std::string_view name) const;
    std::string_view name_of(const entry& e) const;

    std::string text_;  // the file, lower-cased: names are parts of it
    std::vector<address> addresses_;
    std::vector<entry> entries_;
    std::vector<std::uint32_t> slots_;  // open addressing, a power of two
    std::unordered_map<address, std::uint32_t> by_address_;
    std::size_t names_ = 0;
    std::size_t last_ip_at_ = 0;
    std::size_t last_ip_size_ = 0;
    file_stamp stamp_;
};

}  // namespace green::detail
