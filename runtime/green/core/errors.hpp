#pragma once

#include <green/core/config.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace green {

/// A limit of time ran out: `with_timeout`, `with_deadline`, a deadline of a job.
class timeout_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The task or job whose result was asked for had been cancelled. Who is cancelled never sees this:
/// a cancelled green task is unwound. Who *joins* it gets it, with the reason and the place.
class cancelled_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The object was closed, by this side or the other.
class closed_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// `run` saw that main waits and that nothing can ever wake it. `what()` lists every blocked task
/// and what it waits for.
class deadlock_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Several children of one scope failed. One failure is rethrown as it is; this holds two or more,
/// in the order in which they happened.
class exception_group : public std::runtime_error {
public:
    explicit exception_group(std::vector<std::exception_ptr> errors);

    const std::vector<std::exception_ptr>& exceptions() const noexcept { return *errors_; }

private:
    std::shared_ptr<const std::vector<std::exception_ptr>> errors_;
};

namespace detail {

/// `what()` of any exception, or a sentence for one that is no std::exception. `out of memory` if there
/// is none for the text.
std::string describe(const std::exception_ptr& error) noexcept;

/// Throws the only error as it is, several as an exception_group. `errors` is not empty.
[[noreturn]] void throw_all(std::vector<std::exception_ptr> errors);

/// An Error for others, or std::bad_alloc if there is no memory for one.
template <class Error, class Text>
std::exception_ptr make_error(const Text& text) noexcept {
    try {
        return std::make_exception_ptr(Error(text));
    } catch (...) {
        return std::current_exception();
    }
}

/// For API misuse that can only be seen at run time.
[[noreturn]] void throw_logic_error(const char* sentence);

}  // namespace detail
}  // namespace green
