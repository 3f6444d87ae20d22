#include <green/executor/remote_error.hpp>

#include <green/core/errors.hpp>
#include <green/executor/codec_error.hpp>

#include <any>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string_view>
#include <typeinfo>
#include <variant>

#include <cxxabi.h>

namespace green::detail {
namespace {

/// Exceptions in exceptions at most; what is nested deeper is left out.
constexpr int deepest_nesting = 30;

std::string demangled(const std::type_info& type) {
    struct release {
        void operator()(char* p) const noexcept { std::free(p); }
    };
    int status = 0;
    std::unique_ptr<char, release> const name(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status)
    );
    return name ? name.get() : type.name();
}

/// std::throw_with_nested throws an object of a type of its own; its name without that.
std::string without_nesting(std::string name) {
    constexpr std::string_view wrappers[] = {"std::_Nested_exception<", "std::__1::__nested<"};
    for (std::string_view const wrapper : wrappers) {
        if (name.starts_with(wrapper)) {
            name = name.substr(wrapper.size(), name.rfind('>') - wrapper.size());
            while (name.ends_with(' ')) name.pop_back();
        }
    }
    return name;
}

template <class E>
void raise_message(const error_record& record, const std::exception_ptr& nested) {
    raise_with(E(record.message), nested);
}
template <class E>
void raise_default(const error_record&, const std::exception_ptr& nested) {
    raise_with(E(), nested);
}

[[noreturn]] void raise_unknown(const error_record& record, const std::exception_ptr& nested) {
    raise_with(remote_error(record.type, record.message, nested), nested);
}

/// The one that was sent on by a job with a pool of its own stays what it was.
void describe_remote(const std::exception_ptr& error, error_record& record) {
    try {
        std::rethrow_exception(error);
    } catch (const remote_error& e) {
        record.type = e.type_name();
    }
}

/// The category of an error code is an object of its program: only those that every program has.
const std::error_category* find_category(std::string_view name) {
    for (const auto* category : {&std::generic_category(), &std::system_category()}) {
        if (name == category->name()) return category;
    }
    return nullptr;
}

/// system_error puts the text of the code behind what it was given, so that has to be taken off.
void describe_system(const std::exception_ptr& error, error_record& record) {
    try {
        std::rethrow_exception(error);
    } catch (const std::system_error& e) {
        const std::error_category* const category = find_category(e.code().category().name());
        if (category == nullptr || *category != e.code().category()) return;
        record.category = category->name();
        record.code = e.code().value();
        std::string const text = e.code().message();
        std::string& given = record.message;
        if (given.ends_with(text)) given.resize(given.size() - text.size());
        if (given.ends_with(": ")) given.resize(given.size() - 2);
    }
}

void raise_system(const error_record& record, const std::exception_ptr& nested) {
    const std::error_category* const category = find_category(record.category);
    if (category == nullptr) raise_unknown(record, nested);
    std::error_code const code(record.code, *category);
    if (record.message.empty()) raise_with(std::system_error(code), nested);
    raise_with(std::system_error(code, record.message), nested);
}

/// Which types are thrown as themselves. Filled on first use and by register_exception.
class exception_kinds {
public:
    exception_kinds() {
        add_with_message<
            std::logic_error, std::domain_error, std::invalid_argument, std::length_error,
            std::out_of_range, std::runtime_error, std::range_error, std::overflow_error,
            std::underflow_error, timeout_error, cancelled_error, closed_error, deadlock_error,
            executor_error, codec_error>();
        add_default<
            std::exception, std::bad_exception, std::bad_alloc, std::bad_array_new_length,
            std::bad_cast, std::bad_typeid, std::bad_function_call, std::bad_weak_ptr,
            std::bad_optional_access, std::bad_variant_access, std::bad_any_cast>();
        add(typeid(std::system_error), {&describe_system, &raise_system});
        add(typeid(remote_error), {&describe_remote, &raise_unknown});
    }

    void add(const std::type_info& type, exception_kind kind) {
        std::lock_guard const lock(mutex_);
        kinds_.insert_or_assign(demangled(type), kind);
    }

    std::optional<exception_kind> find(const std::string& name) {
        std::lock_guard const lock(mutex_);
        auto const at = kinds_.find(name);
        return at == kinds_.end() ? std::nullopt : std::optional(at->second);
    }

private:
    template <class... E>
    void add_with_message() {
        (add(typeid(E), {nullptr, &raise_message<E>}), ...);
    }
    template <class... E>
    void add_default() {
        (add(typeid(E), {nullptr, &raise_default<E>}), ...);
    }

    std::mutex mutex_;
    std::map<std::string, exception_kind> kinds_;
};

/// Never destroyed: while the program exits, threads of executors may still need it.
exception_kinds& kinds() {
    static exception_kinds& all = *new exception_kinds;
    return all;
}

/// Type, message and what is inside, without what only its kind knows.
error_record outline(const std::exception_ptr& error, std::vector<std::exception_ptr>& inner) {
    error_record record;
    try {
        std::rethrow_exception(error);
    } catch (const exception_group& e) {
        record.type = demangled(typeid(exception_group));
        record.message = e.what();
        inner = e.exceptions();
    } catch (const std::exception& e) {
        record.type = without_nesting(demangled(typeid(e)));
        record.message = e.what();
    } catch (...) {
        const std::type_info* const type = abi::__cxa_current_exception_type();
        record.type = type == nullptr ? "unknown" : demangled(*type);
        record.message = "an exception of type " + record.type + ", which is no std::exception";
    }
    try {
        std::rethrow_exception(error);
    } catch (const std::nested_exception& e) {
        if (e.nested_ptr()) inner.push_back(e.nested_ptr());
    } catch (...) {  // nothing is nested in it
    }
    return record;
}

error_record describe_exception(const std::exception_ptr& error, int depth) {
    std::vector<std::exception_ptr> inner;
    error_record record = outline(error, inner);
    if (auto const kind = kinds().find(record.type); kind && kind->describe != nullptr) {
        kind->describe(error, record);
    }
    if (depth < deepest_nesting) {
        for (const auto& each : inner) record.inner.push_back(describe_exception(each, depth + 1));
    }
    return record;
}

std::exception_ptr rebuild(const error_record& record) {
    std::vector<std::exception_ptr> inner;
    inner.reserve(record.inner.size());
    for (const error_record& each : record.inner) inner.push_back(rebuild(each));

    static const std::string& group = *new std::string(demangled(typeid(exception_group)));
    if (record.type == group && inner.size() > 1) {
        return std::make_exception_ptr(exception_group(std::move(inner)));
    }
    std::exception_ptr const nested = inner.empty() ? nullptr : inner.front();
    try {
        auto const kind = kinds().find(record.type);
        (kind ? kind->raise : &raise_unknown)(record, nested);
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;  // all kinds throw
}

}  // namespace

void register_exception(const std::type_info& type, exception_kind kind) {
    kinds().add(type, kind);
}

void encode_exception(encoder& e, const std::exception_ptr& error) {
    e.put(describe_exception(error, 0));
}

std::exception_ptr decode_exception(decoder& d) { return rebuild(d.get<error_record>()); }

}  // namespace green::detail
