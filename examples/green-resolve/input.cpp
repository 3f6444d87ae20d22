#include "input.hpp"

#include "options.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace tool {
namespace {

/// Of a line without its comment. A name has 253 bytes, and a few more before it is encoded.
constexpr std::size_t longest_line = 4096;
constexpr std::string_view blanks = " \t\r\v\f";

std::string_view without_comment(std::string_view line) {
    line = line.substr(0, line.find('#'));
    std::size_t const first = line.find_first_not_of(blanks);
    if (first == line.npos) return {};
    return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

descriptor open_input(const std::string& name) {
    if (name == "-") return descriptor(STDIN_FILENO);
    descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) throw usage_error(name + ": " + std::strerror(errno));
    return file;
}

}  // namespace

std::string entry::place() const {
    if (!source) return "argument " + std::to_string(line);
    return *source + ":" + std::to_string(line);
}

void line_cutter::cut(std::string_view piece, std::vector<entry>& names) {
    while (!piece.empty()) {
        std::size_t const end = piece.find('\n');
        grow(piece.substr(0, end));
        if (end == piece.npos) return;
        end_line(names);
        piece.remove_prefix(end + 1);
    }
}

void line_cutter::finish(std::vector<entry>& names) {
    if (!line_.empty()) end_line(names);
}

void line_cutter::grow(std::string_view part) {
    std::string_view const fits = part.substr(0, longest_line - line_.size());
    line_ += fits;
    if (fits.size() < part.size()) too_long_ = true;
}

void line_cutter::end_line(std::vector<entry>& names) {
    ++number_;
    std::string_view const name = without_comment(line_);
    bool const rest_is_comment = line_.find('#') != line_.npos;
    if (!name.empty()) {
        entry e{std::string(name), source_, number_, {}};
        if (too_long_ && !rest_is_comment) {
            e.problem = "a line longer than 4096 bytes";
        } else if (name.find_first_of(blanks) != name.npos) {
            e.problem = "more than one word";
        }
        names.push_back(std::move(e));
    }
    line_.clear();
    too_long_ = false;
}

input_files::input_files(const options& o) {
    for (const std::string& name : o.files) {
        files_.push_back({name == "-" ? "standard input" : name, open_input(name)});
    }
}

green::stream<entry> read_names(const options& o, const input_files& files, blocking_io& io) {
    std::size_t number = 0;
    for (const std::string& name : o.names) {
        entry e{name, nullptr, ++number, {}};
        co_yield std::move(e);
    }
    for (const input_files::file& file : files.all()) {
        line_cutter lines(file.name);
        std::vector<entry> names;
        for (bool more = true; more;) {
            std::string const piece = co_await io.read_some(file.fd.get());
            more = !piece.empty();
            names.clear();
            lines.cut(piece, names);
            if (!more) lines.finish(names);
            for (entry& e : names) co_yield std::move(e);
        }
    }
}

}  // namespace tool
