#pragma once

#include <green/executor/codec.hpp>
#include <green/executor/executor_error.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace green {

/// A job in another process threw something that cannot be thrown here as itself.
///
/// What is: the exceptions of the standard library, std::system_error with a code of the generic or
/// system category, those of green, and those that were registered with
/// `register_remote_exception`. `what()` is what the exception itself said. Model:
/// concurrent.futures, which tells the remote traceback.
class remote_error : public executor_error {
public:
    remote_error(std::string type_name, const std::string& message, std::exception_ptr nested = {})
        : executor_error(message),
          type_name_(std::make_shared<const std::string>(std::move(type_name))),
          nested_(std::move(nested)) {}

    /// The type of the exception in the other process, as people write it: `app::parse_error`.
    const std::string& type_name() const noexcept { return *type_name_; }

    /// The exception that was nested in it (std::throw_with_nested), rebuilt in the same way; null
    /// without one. std::rethrow_if_nested finds it too.
    const std::exception_ptr& nested() const noexcept { return nested_; }

private:
    std::shared_ptr<const std::string> type_name_;  // copies of an exception must not throw
    std::exception_ptr nested_;
};

namespace detail {

/// An exception on its way: it and what is inside it.
struct error_record {
    std::string type;
    std::string message;  // of a system_error without the text of its code
    std::string category;  // of a system_error
    int code = 0;  // of a system_error
    std::string content;  // of a registered type: what its codec wrote
    std::vector<error_record> inner;  // the nested one; the members of an exception_group
};

/// How exceptions of one type are written and thrown again.
struct exception_kind {
    /// Adds to `record` what the type needs beyond its message; null if that is all.
    void (*describe)(const std::exception_ptr& error, error_record& record);
    /// Throws it, with `nested` in it if that is not null.
    void (*raise)(const error_record& record, const std::exception_ptr& nested);
};

void register_exception(const std::type_info& type, exception_kind kind);

/// Appends an exception and what is nested in it.
void encode_exception(encoder& e, const std::exception_ptr& error);
/// Builds it again.
std::exception_ptr decode_exception(decoder& d);

/// Throws `error`, with `nested` in it.
template <class E>
[[noreturn]] void raise_with(E&& error, const std::exception_ptr& nested) {
    using type = std::remove_cvref_t<E>;
    if constexpr (std::is_class_v<type> && !std::is_final_v<type>) {
        if (nested) {
            try {
                std::rethrow_exception(nested);
            } catch (...) {
                std::throw_with_nested(static_cast<E&&>(error));
            }
        }
    }
    throw static_cast<E&&>(error);
}

template <class E>
struct registered_exception {
    static void describe(const std::exception_ptr& error, error_record& record) {
        try {
            std::rethrow_exception(error);
        } catch (const E& e) {
            byte_buffer bytes;
            encoder(bytes).put(e);
            record.content.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        }
    }
    static void raise(const error_record& record, const std::exception_ptr& nested) {
        decoder d(std::as_bytes(std::span(record.content)));
        E error = d.get<E>();
        d.expect_end("an exception");
        raise_with(std::move(error), nested);
    }
    static void raise_message(const error_record& record, const std::exception_ptr& nested) {
        raise_with(E(record.message), nested);
    }
};

}  // namespace detail

/// From now on an `E` that a job in another process throws is thrown here as an `E`, instead of as
/// a remote_error. `E` has a codec, or can be made from what() as a std::string. Only exactly this
/// type, not what is derived from it.
///
/// To be called in both processes, so before `run` or process_worker_main, or as an initialiser:
///
///     static bool const known = green::register_remote_exception<parse_error>();
template <class E>
bool register_remote_exception() {
    constexpr bool from_message = std::derived_from<E, std::exception> &&
        std::constructible_from<E, const std::string&>;
    static_assert(
        serialisable<E> || from_message,
        "green: an exception that is registered has a green::codec, or is made from a std::string "
        "that its what() then returns"
    );
    using kind = detail::registered_exception<E>;
    if constexpr (serialisable<E>) {
        detail::register_exception(typeid(E), {&kind::describe, &kind::raise});
    } else if constexpr (from_message) {
        detail::register_exception(typeid(E), {nullptr, &kind::raise_message});
    }
    return true;
}

}  // namespace green
