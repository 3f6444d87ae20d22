#pragma once

#include <green/dns/detail/record_type.hpp>

#include <cstddef>
#include <string_view>

namespace green::detail {

/// What is asked: a name as check_name gives it, to which this refers, and a type.
class question_key {
public:
    question_key(std::string_view name, record_type type) noexcept
        : name_(name), type_(type), hash_(hash_of(name, type)) {}
    /// With the hash that such a key had before.
    question_key(std::string_view name, record_type type, std::size_t hash) noexcept
        : name_(name), type_(type), hash_(hash) {}

    std::string_view name() const noexcept { return name_; }
    record_type type() const noexcept { return type_; }
    /// With a secret of this process, for names often come from strangers.
    std::size_t hash() const noexcept { return hash_; }

    friend bool operator==(const question_key& a, const question_key& b) noexcept {
        return a.hash_ == b.hash_ && a.type_ == b.type_ && a.name_ == b.name_;
    }

private:
    static std::size_t hash_of(std::string_view name, record_type type) noexcept;

    std::string_view name_;
    record_type type_;
    std::size_t hash_;
};

}  // namespace green::detail
