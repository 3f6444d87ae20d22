#include <green/core/source_text.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <string>

namespace {

using green::detail::describe;
using green::detail::short_file;
using green::detail::short_function;

TEST_CASE("functions are named as people name them", "[source_text]") {
    struct example {
        const char* signature;
        const char* name;
    };
    // What clang++-19 and g++ 12 give for a coroutine, in its promise and inside its body.
    example const examples[] = {
        {"int main()", "main()"},
        {"green::task<> fetch(std::string, int)", "fetch()"},
        {"task<> (anonymous namespace)::f(int)", "f()"},
        {"task<> {anonymous}::f(int)", "f()"},
        {"void {anonymous}::f(f(int)::_ZN12_GLOBAL__N_11fEi.Frame*)", "f()"},
        {"task<std::vector<int>> n::g(T) [T = std::vector<int>]", "n::g()"},
        {"task<> n::g(T) [with T = int]", "n::g()"},
        {"void n::g(g<std::vector<int> >(std::vector<int>)::_ZN1n1gE.Frame*)", "n::g()"},
        {"task<> S::m(U, std::vector<std::string>) const [U = int]", "S::m()"},
        {"task<> S::operator()(int)", "S::operator()()"},
        {"task<> S::operator<(const S &)", "S::operator<()"},
        {"task<> S::operator->()", "S::operator->()"},
        {"n::K::operator bool()", "n::K::operator bool()"},
        {"auto f(int)::(anonymous class)::operator()(int, std::string) const", "lambda in f()"},
        {"auto a::f()::(anonymous class)::operator()(double)::(anonymous class)::operator()() "
         "const",
         "lambda in a::f()"},
        {"auto n::K::operator bool()::(anonymous class)::operator()() const",
         "lambda in n::K::operator bool()"},
        {"auto K::m() const::(anonymous class)::operator()() const", "lambda in K::m()"},
        {"{anonymous}::f()::<lambda(auto:11)> [with auto:11 = double]", "lambda in f()"},
        {"void {anonymous}::f()::<lambda(int)>::operator()(f()::<lambda(int)>::_ZZN.Frame*)",
         "lambda in f()"},
        {"auto (anonymous class)::operator()() const", "lambda"},
        {"void<lambda()>::operator()(<lambda()>::_ZNK2glMUlvE_clEv.Frame*)", "lambda"},
        {"f()::{lambda(int)#1}::operator()(int) const", "lambda in f()"},
        {"f()::$_0::operator()(int) const", "lambda in f()"},
        {"compute(int) [clone .resume]", "compute()"},
        {"_start", "_start"},
        {"", ""},
        {"(((", "()"},
    };
    for (auto const& e : examples) {
        INFO(e.signature);
        REQUIRE(short_function(e.signature) == e.name);
    }
}

TEST_CASE("paths begin where the sources do", "[source_text]") {
    REQUIRE(short_file("../../tests/a.cpp") == "tests/a.cpp");
    REQUIRE(short_file("./a.cpp") == "a.cpp");
    REQUIRE(short_file("/home/a.cpp") == "/home/a.cpp");
    REQUIRE(short_file("/build/x/../../tests/b.cpp") == "tests/b.cpp");
    REQUIRE(short_file("b..cpp") == "b..cpp");
}

TEST_CASE("places and times in words", "[source_text]") {
    auto const here = std::source_location::current();
    std::string const text = describe(here);
    REQUIRE(
        text.find("source_text_test.cpp:" + std::to_string(here.line()) + " in ") ==
        text.find("source")
    );
    REQUIRE(describe(std::source_location()) == "an unknown place");

    using namespace std::chrono_literals;
    auto const words = [](std::chrono::nanoseconds d) { return describe(d); };
    REQUIRE(words(0s) == "0 s");
    REQUIRE(words(5ns) == "5 ns");
    REQUIRE(words(1500ns) == "1.5 µs");
    REQUIRE(words(300ms) == "300 ms");
    REQUIRE(words(2500ms) == "2.5 s");
    REQUIRE(words(90s) == "90 s");
    REQUIRE(words(5min) == "5 min");
    REQUIRE(words(50h) == "2.08 d");
    REQUIRE(words(-3s) == "-3 s");
    REQUIRE(words(std::chrono::nanoseconds::max()) == "292 years");
}

}  // namespace
