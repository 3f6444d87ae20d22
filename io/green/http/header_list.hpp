#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace green::http {

struct header {
    std::string name;
    std::string value;
};

/// The header fields of a request or a response, in their order. A name may occur more than once, and
/// is the same name in upper and lower case.
///
///     http::header_list h{{"Accept", "text/html"}};
///     h.set("User-Agent", "example/1.0");
///     h.get("accept");  // "text/html"
class header_list {
public:
    header_list() = default;
    header_list(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);

    /// The value of the first field of this name; `fallback` if there is none.
    std::string_view get(std::string_view name, std::string_view fallback = {}) const noexcept;
    bool contains(std::string_view name) const noexcept { return find(name) != nullptr; }
    /// The values of all fields of this name.
    std::vector<std::string_view> all(std::string_view name) const;

    /// One more field. Throws std::invalid_argument if the name is no token of RFC 9110, or the value
    /// has a control character in it, such as the end of a line.
    void add(std::string_view name, std::string_view value);
    /// In place of all fields of this name.
    void set(std::string_view name, std::string_view value);
    /// All fields of this name; how many there were.
    std::size_t erase(std::string_view name) noexcept;

    bool empty() const noexcept { return fields_.empty(); }
    std::size_t size() const noexcept { return fields_.size(); }
    auto begin() const noexcept { return fields_.begin(); }
    auto end() const noexcept { return fields_.end(); }

private:
    const header* find(std::string_view name) const noexcept;

    std::vector<header> fields_;
};

}  // namespace green::http
