#include <green/http/header_list.hpp>

#include <green/http/detail/http_text.hpp>

#include <algorithm>
#include <stdexcept>

namespace green::http {

using detail::same_field_name;

header_list::header_list(std::initializer_list<std::pair<std::string_view, std::string_view>> fields
) {
    for (auto const& [name, value] : fields) add(name, value);
}

const header* header_list::find(std::string_view name) const noexcept {
    for (header const& h : fields_) {
        if (same_field_name(h.name, name)) return &h;
    }
    return nullptr;
}

std::string_view header_list::get(std::string_view name, std::string_view fallback) const noexcept {
    const header* const h = find(name);
    return h ? std::string_view(h->value) : fallback;
}

std::vector<std::string_view> header_list::all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (header const& h : fields_) {
        if (same_field_name(h.name, name)) values.emplace_back(h.value);
    }
    return values;
}

void header_list::add(std::string_view name, std::string_view value) {
    if (!detail::is_http_token(name))
        throw std::invalid_argument("green: not the name of a header field: " + std::string(name));
    if (!detail::is_field_value(value)) {
        throw std::invalid_argument(
            "green: a control character in the header field " + std::string(name)
        );
    }
    fields_.push_back({std::string(name), std::string(value)});
}

void header_list::set(std::string_view name, std::string_view value) {
    header_list one;
    one.add(name, value);  // may throw
    erase(name);
    fields_.push_back(std::move(one.fields_.front()));
}

std::size_t header_list::erase(std::string_view name) noexcept {
    return std::erase_if(fields_, [&](const header& h) { return same_field_name(h.name, name); });
}

}  // namespace green::http
