#include <green/executor/remote_error.hpp>

#include "executor/loop_back.hpp"
#include "support/catch.hpp"

#include <green/core/errors.hpp>
#include <green/executor/codec_error.hpp>

#include <any>
#include <cerrno>
#include <filesystem>
#include <future>
#include <new>
#include <optional>
#include <typeinfo>
#include <variant>

using namespace green;
using namespace green_test;

namespace {

/// `error`, there and back.
std::exception_ptr sent(const std::exception_ptr& error) {
    byte_buffer bytes;
    encoder e(bytes);
    detail::encode_exception(e, error);
    decoder d(bytes.bytes());
    std::exception_ptr back = detail::decode_exception(d);
    d.expect_end("an exception");
    return back;
}
template <class E>
std::exception_ptr sent(const E& error) {
    return sent(std::make_exception_ptr(error));
}

/// What `f` throws with std::throw_with_nested and the like.
template <class F>
std::exception_ptr thrown_by(F f) {
    try {
        f();
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

/// Whether exactly an E with the same text comes back.
template <class E>
bool comes_back(const E& error) {
    try {
        std::rethrow_exception(sent(error));
    } catch (const std::exception& e) {
        return typeid(e) == typeid(E) && std::string(e.what()) == error.what();
    }
}

/// The E that `error` is; a test that fails if it is another.
template <class E>
E as(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const E& e) {
        return e;
    }
}

std::exception_ptr nested_in(const std::exception_ptr& error) {
    return thrown_by([&] {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            std::rethrow_if_nested(e);
        }
    });
}

struct unknown_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct message_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};
class parse_error : public std::exception {
public:
    parse_error(std::string file, int line) : file_(std::move(file)), line_(line) {}
    const std::string& file() const { return file_; }
    int line() const { return line_; }
    const char* what() const noexcept override { return "parse error"; }

private:
    std::string file_;
    int line_;
};
struct plain_error {
    int code;
};

class unwritable_error : public std::exception {};

class own_category : public std::error_category {
    const char* name() const noexcept override { return "own"; }
    std::string message(int) const override { return "own message"; }
};

}  // namespace

template <>
struct green::codec<parse_error> {
    static void encode(encoder& e, const parse_error& error) {
        e.put(error.file());
        e.put(error.line());
    }
    static parse_error decode(decoder& d) {
        auto file = d.get<std::string>();
        return {std::move(file), d.get<int>()};
    }
};

template <>
struct green::codec<unwritable_error> {
    static void encode(encoder&, const unwritable_error&) { throw std::logic_error("no bytes"); }
    static unwritable_error decode(decoder&) { return {}; }
};

namespace {
bool const registered = register_remote_exception<message_error>() &&
    register_remote_exception<parse_error>() && register_remote_exception<plain_error>() &&
    register_remote_exception<unwritable_error>();
}  // namespace

TEST_CASE("remote error: those of the standard library are themselves", "[remote_error]") {
    REQUIRE(comes_back(std::logic_error("a")));
    REQUIRE(comes_back(std::domain_error("b")));
    REQUIRE(comes_back(std::invalid_argument("c")));
    REQUIRE(comes_back(std::length_error("d")));
    REQUIRE(comes_back(std::out_of_range("e")));
    REQUIRE(comes_back(std::runtime_error("")));
    REQUIRE(comes_back(std::range_error("g")));
    REQUIRE(comes_back(std::overflow_error("h")));
    REQUIRE(comes_back(std::underflow_error("i")));
    REQUIRE(comes_back(std::exception()));
    REQUIRE(comes_back(std::bad_exception()));
    REQUIRE(comes_back(std::bad_alloc()));
    REQUIRE(comes_back(std::bad_array_new_length()));
    REQUIRE(comes_back(std::bad_cast()));
    REQUIRE(comes_back(std::bad_typeid()));
    REQUIRE(comes_back(std::bad_optional_access()));
    REQUIRE(comes_back(std::bad_variant_access()));
    REQUIRE(comes_back(std::bad_any_cast()));
}

TEST_CASE("remote error: those of green are themselves", "[remote_error]") {
    REQUIRE(comes_back(timeout_error("late")));
    REQUIRE(comes_back(cancelled_error("no more")));
    REQUIRE(comes_back(closed_error("shut")));
    REQUIRE(comes_back(deadlock_error("stuck")));
    REQUIRE(comes_back(executor_error("over")));
    REQUIRE(comes_back(codec_error("torn")));

    auto const group = as<exception_group>(sent(exception_group(
        {std::make_exception_ptr(std::out_of_range("far")), std::make_exception_ptr(5)}
    )));
    REQUIRE(group.exceptions().size() == 2);
    REQUIRE(as<std::out_of_range>(group.exceptions()[0]).what() == std::string("far"));
    REQUIRE(as<remote_error>(group.exceptions()[1]).type_name() == "int");
}

TEST_CASE("remote error: a system_error keeps its code and its text", "[remote_error]") {
    for (const auto* category : {&std::generic_category(), &std::system_category()}) {
        std::error_code const code(ECONNREFUSED, *category);
        REQUIRE(comes_back(std::system_error(code, "connect 127.0.0.1:1")));
        REQUIRE(comes_back(std::system_error(code)));
        auto const back = as<std::system_error>(sent(std::system_error(code, "connect")));
        REQUIRE(back.code() == code);
        REQUIRE(back.code() == std::errc::connection_refused);
    }
    own_category category;
    std::system_error const own(std::error_code(1, category), "own");
    auto const back = as<remote_error>(sent(own));
    REQUIRE(back.type_name() == "std::system_error");
    REQUIRE(std::string(back.what()) == own.what());
}

TEST_CASE("remote error: others are told by name and text", "[remote_error]") {
    auto const error = as<remote_error>(sent(unknown_error("what it was")));
    REQUIRE(error.type_name() == "(anonymous namespace)::unknown_error");
    REQUIRE(std::string(error.what()) == "what it was");
    REQUIRE(error.nested() == nullptr);

    auto const text = as<remote_error>(sent(std::future_error(std::future_errc::no_state)));
    REQUIRE(text.type_name() == "std::future_error");
    auto const path = as<remote_error>(sent(
        std::filesystem::filesystem_error("open", "/x", std::make_error_code(std::errc::io_error))
    ));
    REQUIRE(path.type_name().ends_with("filesystem_error"));
    REQUIRE(std::string(path.what()).find("/x") != std::string::npos);

    auto const number = as<remote_error>(sent(5));
    REQUIRE(number.type_name() == "int");
    REQUIRE(std::string(number.what()) == "an exception of type int, which is no std::exception");
}

TEST_CASE("remote error: registered ones are themselves", "[remote_error]") {
    REQUIRE(registered);
    REQUIRE(comes_back(message_error("message")));
    auto const error = as<parse_error>(sent(parse_error("file", 7)));
    REQUIRE(error.file() == "file");
    REQUIRE(error.line() == 7);
    REQUIRE(as<plain_error>(sent(plain_error{3})).code == 3);
}

TEST_CASE("remote error: what is nested stays nested", "[remote_error]") {
    auto const error = sent(thrown_by([] {
        try {
            try {
                throw std::system_error(ENOENT, std::generic_category(), "open");
            } catch (...) {
                std::throw_with_nested(parse_error("file", 1));
            }
        } catch (...) {
            std::throw_with_nested(std::runtime_error("load"));
        }
    }));
    REQUIRE(as<std::runtime_error>(error).what() == std::string("load"));
    auto const middle = nested_in(error);
    REQUIRE(as<parse_error>(middle).line() == 1);
    auto const inner = nested_in(middle);
    REQUIRE(as<std::system_error>(inner).code().value() == ENOENT);
    REQUIRE(nested_in(inner) == nullptr);
}

TEST_CASE("remote error: an unknown one shows what is nested in it", "[remote_error]") {
    auto const error = sent(thrown_by([] {
        try {
            throw 5;
        } catch (...) {
            std::throw_with_nested(unknown_error("outer"));
        }
    }));
    auto const outer = as<remote_error>(error);
    REQUIRE(outer.type_name() == "(anonymous namespace)::unknown_error");
    REQUIRE(as<remote_error>(outer.nested()).type_name() == "int");
    REQUIRE(as<remote_error>(nested_in(error)).type_name() == "int");

    // Sent on by a job with a pool of its own.
    auto const again = as<remote_error>(sent(error));
    REQUIRE(again.type_name() == outer.type_name());
    REQUIRE(as<remote_error>(again.nested()).type_name() == "int");
}

TEST_CASE("remote error: nesting ends somewhere", "[remote_error]") {
    std::exception_ptr error = std::make_exception_ptr(std::runtime_error("0"));
    for (int i = 1; i < 300; ++i) {
        error = thrown_by([&] {
            try {
                std::rethrow_exception(error);
            } catch (...) {
                std::throw_with_nested(std::runtime_error(std::to_string(i)));
            }
        });
    }
    int depth = 0;
    for (auto e = sent(error); e; e = nested_in(e)) ++depth;
    REQUIRE(depth == 31);
}

TEST_CASE("remote error: what a job throws arrives", "[remote_error]") {
    REQUIRE_THROWS_AS(
        loop_back([](int n) { return std::vector<int>(3).at(n); }, 5), std::out_of_range
    );
    REQUIRE_THROWS_AS(loop_back([] { throw parse_error("f", 1); }), parse_error);
    REQUIRE_THROWS_AS(loop_back([] { throw 5; }), remote_error);
    REQUIRE_THROWS_WITH(
        loop_back([] { throw unwritable_error(); }), "encode the exception of a job: no bytes"
    );
}
