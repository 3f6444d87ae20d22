#include <green/core/errors.hpp>

namespace green {
namespace {

std::string text_of(const std::exception_ptr& error) {
    if (!error) return "no error";
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

std::string group_text(const std::vector<std::exception_ptr>& errors) {
    std::string text = std::to_string(errors.size()) + " tasks failed:";
    for (std::size_t i = 0; i < errors.size(); ++i) {
        text += " (" + std::to_string(i + 1) + ") " + detail::describe(errors[i]);
    }
    return text;
}

}  // namespace

exception_group::exception_group(std::vector<std::exception_ptr> errors)
    : std::runtime_error(group_text(errors)),
      errors_(std::make_shared<const std::vector<std::exception_ptr>>(std::move(errors))) {}

namespace detail {

std::string describe(const std::exception_ptr& error) noexcept {
    try {
        return text_of(error);
    } catch (...) {
        return "out of memory";  // short enough to need none
    }
}

void throw_all(std::vector<std::exception_ptr> errors) {
    if (errors.size() == 1) std::rethrow_exception(std::move(errors.front()));
    throw exception_group(std::move(errors));
}

void throw_logic_error(const char* sentence) { throw std::logic_error(sentence); }

}  // namespace detail
}  // namespace green
