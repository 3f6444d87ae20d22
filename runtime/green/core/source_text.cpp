#include <green/core/source_text.hpp>

#include <array>
#include <cstdio>
#include <vector>

namespace green::detail {
namespace {

bool starts_with(std::string_view text, std::size_t at, std::string_view part) noexcept {
    return text.substr(at, part.size()) == part;
}

/// Just behind the bracket that closes the one at `at`; `->` closes nothing.
std::size_t skip_brackets(std::string_view text, std::size_t at) noexcept {
    int depth = 0;
    for (std::size_t i = at; i < text.size(); ++i) {
        char const c = text[i];
        if (c == '(' || c == '<' || c == '[' || c == '{') ++depth;
        bool const closes = c == ')' || c == ']' || c == '}' || (c == '>' && text[i - 1] != '-');
        if (closes && --depth == 0) return i + 1;
    }
    return text.size();
}

//  What compilers call one and the same coroutine:
//
//    Clang       task<> (anonymous namespace)::f(int)
//                auto (anonymous namespace)::f()::(anonymous class)::operator()(int) const [T = int]
//    GCC         task<> {anonymous}::f(int)
//                void {anonymous}::f(f(int)::_ZN12_GLOBAL__N_11fEi.Frame*)        inside its body
//                {anonymous}::f()::<lambda(int)> [with T = int]
//                void {anonymous}::f()::<lambda(int)>::operator()(… .Frame*)
//    demangled   (anonymous namespace)::f()::$_0::operator()() const
//                f()::{lambda(int)#1}::operator()(int) const

class signature_parser {
public:
    explicit signature_parser(std::string_view text) noexcept : text_(text) {}

    std::string parse() {
        while (at_ < text_.size() && text_[at_] != '[') step();
        end_part();
        std::string name;
        bool lambda = false;
        for (const std::string& part : parts_) {
            if (part == lambda_part) {
                lambda = true;
                continue;
            }
            if (lambda) continue;  // what is inside a lambda is the lambda
            if (!name.empty()) name += "::";
            name += part;
        }
        if (!lambda) return name;
        return name.empty() ? "lambda" : "lambda in " + name;
    }

private:
    static constexpr std::string_view lambda_part = "\1";

    void step() {
        for (std::string_view const unnamed : {"(anonymous namespace)::", "{anonymous}::"}) {
            if (starts_with(text_, at_, unnamed)) {
                at_ += unnamed.size();
                return;
            }
        }
        for (std::string_view const lambda :
             {"(anonymous class)", "<lambda", "{lambda", "'lambda", "$_"}) {
            if (starts_with(text_, at_, lambda)) return skip_lambda();
        }
        char const c = text_[at_];
        if (starts_with(text_, at_, "::")) {
            at_ += 2;
            end_part();
        } else if (c == ' ') {
            ++at_;
            // Before the arguments stands a result type, behind them a qualifier.
            if (!has_arguments_ && !starts_with(part_, 0, "operator")) forget_result();
        } else if (c == '(') {
            at_ = skip_brackets(text_, at_);
            part_ += "()";
            has_arguments_ = true;
        } else if (c == '<' || c == '{' || c == '[') {
            at_ = skip_brackets(text_, at_);
        } else if (has_arguments_) {
            ++at_;  // const, &, noexcept, [clone .resume]
        } else {
            part_ += c;
            ++at_;
            if (part_ == "operator") copy_operator();
        }
    }

    void copy_operator() {
        if (starts_with(text_, at_, "()")) {
            part_ += "()";
            at_ += 2;
        }
        while (at_ < text_.size() && text_[at_] != '(') part_ += text_[at_++];
    }

    void skip_lambda() {
        part_.clear();  // GCC writes `void<lambda()>`
        part_ = lambda_part;
        has_arguments_ = true;  // what follows qualifies
        if (text_[at_] == '\'') {  // 'lambda0'(int)
            at_ = text_.find('\'', at_ + 1);
            at_ = at_ == std::string_view::npos ? text_.size() : at_ + 1;
            if (at_ < text_.size() && text_[at_] == '(') at_ = skip_brackets(text_, at_);
        } else if (text_[at_] == '$') {
            at_ += 2;
            while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
        } else {
            at_ = skip_brackets(text_, at_);
        }
    }

    void forget_result() {
        part_.clear();
        parts_.clear();
    }
    void end_part() {
        if (!part_.empty()) parts_.push_back(part_);
        part_.clear();
        has_arguments_ = false;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string part_;
    bool has_arguments_ = false;
    std::vector<std::string> parts_;
};

}  // namespace

std::string short_function(std::string_view signature) {
    std::string name = signature_parser(signature).parse();
    return name.empty() ? std::string(signature) : name;
}

std::string_view short_file(std::string_view path) noexcept {
    if (auto const up = path.rfind("../"); up != std::string_view::npos) path.remove_prefix(up + 3);
    while (path.substr(0, 2) == "./") path.remove_prefix(2);
    return path;
}

std::string describe(const std::source_location& where) {
    if (where.line() == 0) return "an unknown place";
    std::string text(short_file(where.file_name()));
    text += ":" + std::to_string(where.line()) + " in ";
    text += short_function(where.function_name());
    return text;
}

std::string describe(std::chrono::nanoseconds d) {
    struct unit {
        double seconds;
        const char* name;
    };
    constexpr std::array units{
        unit{86400.0 * 365.25, "years"},
        unit{86400.0, "d"},
        unit{3600.0, "h"},
        unit{60.0, "min"},
        unit{1.0, "s"},
        unit{1e-3, "ms"},
        unit{1e-6, "µs"}
    };
    auto const seconds = std::chrono::duration<double>(d).count();
    std::array<char, 48> text{};
    for (const unit& u : units) {
        double const n = (seconds < 0 ? -seconds : seconds) / u.seconds;
        // A minute and a half is 90 s: larger units from two of them on.
        if (n < (u.seconds > 1 ? 2 : 1)) continue;
        std::snprintf(
            text.data(), text.size(), n < 999.5 ? "%.3g %s" : "%.0f %s", seconds / u.seconds, u.name
        );
        return text.data();
    }
    return d.count() == 0 ? "0 s" : std::to_string(d.count()) + " ns";
}

}  // namespace green::detail
