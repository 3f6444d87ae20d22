#include "output.hpp"

#include "text.hpp"

#include <algorithm>
#include <utility>

#include <unistd.h>

namespace tool {
namespace {

/// How far the results may be ahead of the first name that is missing.
constexpr std::size_t reorder_window = 20'000;

std::string_view word(verdict v) noexcept {
    switch (v) {
    case verdict::answered: return "answered";
    case verdict::not_found: return "not_found";
    case verdict::failed: return "failed";
    }
    return "";
}

/// Where a name that is none stands: by itself it may be hard to find.
std::string explanation(const outcome& o, const failure& f) {
    std::string const text = printable(f.text);
    return f.code == green::dns_errc::bad_name ? o.asked.place() + " " + text : text;
}

std::string as_text(const outcome& o) {
    if (o.trace) return o.trace->to_string() + "\n\n";
    std::string const name = printable(o.asked.name);
    std::string lines;
    for (const answer& a : o.answers) {
        lines += name;
        lines += '\t';
        lines += a.type;
        lines += '\t';
        lines += printable(a.data);
        lines += '\n';
    }
    for (const failure& f : o.failures) {
        lines += name;
        lines += '\t';
        lines += f.type;
        lines += '\t';
        lines += green::to_string(f.code);
        lines += '\t';
        lines += explanation(o, f);
        lines += '\n';
    }
    return lines;
}

std::string as_csv(const outcome& o) {
    std::string const name = printable(o.asked.name);
    std::string const took = formatted("%.3f", milliseconds(o.took));
    std::string rows;
    auto const field = [&rows](std::string_view text) {
        append_csv_field(rows, text);
        rows += ',';
    };
    auto const end_row = [&] {
        rows += took;
        rows += "\r\n";
    };
    for (const answer& a : o.answers) {
        field(name);
        field(a.type);
        field(a.ttl ? std::to_string(a.ttl->count()) : "");
        field(printable(a.data));
        field("");
        field("");
        end_row();
    }
    for (const failure& f : o.failures) {
        field(name);
        field(f.type);
        field("");
        field("");
        field(green::to_string(f.code));
        field(explanation(o, f));
        end_row();
    }
    return rows;
}

class json_object {
public:
    explicit json_object(std::string& out) : out_(out) { out_ += '{'; }
    ~json_object() { out_ += '}'; }
    json_object(const json_object&) = delete;
    json_object& operator=(const json_object&) = delete;

    std::string& key(std::string_view name) {
        if (!first_) out_ += ',';
        first_ = false;
        append_json_string(out_, name);
        out_ += ':';
        return out_;
    }
    void text(std::string_view name, std::string_view value) {
        append_json_string(key(name), value);
    }
    void number(std::string_view name, const std::string& value) { key(name) += value; }
    template <class Items, class F>
    void list(std::string_view name, const Items& items, F append) {
        key(name) += '[';
        for (auto const& item : items) {
            if (&item != &items.front()) out_ += ',';
            json_object one(out_);
            append(one, item);
        }
        out_ += ']';
    }

private:
    std::string& out_;
    bool first_ = true;
};

std::string as_json(const outcome& o) {
    std::string line;
    {
        json_object all(line);
        all.text("name", printable(o.asked.name));
        all.text("status", word(o.judge()));
        all.number("ms", formatted("%.3f", milliseconds(o.took)));
        all.list("answers", o.answers, [](json_object& one, const answer& a) {
            one.text("type", a.type);
            if (a.ttl) one.number("ttl", std::to_string(a.ttl->count()));
            one.text("data", printable(a.data));
        });
        if (!o.failures.empty()) {
            all.list("errors", o.failures, [&o](json_object& one, const failure& f) {
                one.text("type", f.type);
                one.text("error", green::to_string(f.code));
                one.text("text", explanation(o, f));
            });
        }
    }
    return line += '\n';
}

void write_blocking(std::string_view text) {
    while (!text.empty()) {
        ssize_t const n = ::write(STDOUT_FILENO, text.data(), text.size());
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

}  // namespace

std::string result_text(output_format format, const outcome& o) {
    switch (format) {
    case output_format::json: return as_json(o);
    case output_format::csv: return as_csv(o);
    case output_format::text: break;
    }
    return as_text(o);
}

output::output(const options& o, std::size_t names_at_once)
    : in_order_(!o.unordered), places_(names_at_once + reorder_window) {
    if (o.format == output_format::csv) ready_ = "name,type,ttl,data,error,text,ms\r\n";
}

green::task<std::uint64_t> output::reserve() {
    auto place = co_await places_.acquire();
    place.forget();  // until the name's lines are written
    if (in_order_) waiting_.emplace_back();
    co_return reserved_++;
}

void output::add(std::uint64_t number, std::string lines) {
    if (in_order_) {
        waiting_[number - first_] = std::move(lines);
        advance();
    } else {
        ready_ += lines;
        ++names_ready_;
    }
    if (names_ready_ != 0) something_ready_.set();
}

void output::advance() {
    while (!waiting_.empty() && waiting_.front()) {
        ready_ += *waiting_.front();
        waiting_.pop_front();
        ++first_;
        ++names_ready_;
    }
}

void output::finish() {
    finished_ = true;
    something_ready_.set();
}

green::task<> output::write(blocking_io& io) {
    while (!finished_ || !ready_.empty()) {
        co_await something_ready_.wait();
        something_ready_.clear();
        being_written_ = std::exchange(ready_, {});
        std::size_t const names = std::exchange(names_ready_, 0);
        unwritten_ = being_written_;
        co_await io.write_all(STDOUT_FILENO, unwritten_);
        places_.release(names);
    }
}

void output::write_rest() {
    for (auto& lines : waiting_) {
        if (lines) ready_ += *lines;
    }
    write_blocking(unwritten_);
    write_blocking(ready_);
}

}  // namespace tool
