#pragma once

#include <green/dns/detail/record_type.hpp>

#include <cstddef>
#include <functional>
#include <string_view>

namespace green::detail {

/// What is asked: a name as check_name gives it, to which this refers, and a type.
struct question_key {
    std::string_view name;
    record_type type{};

    friend bool operator==(const question_key&, const question_key&) = default;
};

struct question_hash {
    std::size_t operator()(const question_key& k) const noexcept {
        return std::hash<std::string_view>()(k.name) +
            static_cast<std::size_t>(k.type) * 0x9e3779b9;
    }
};

}  // namespace green::detail
