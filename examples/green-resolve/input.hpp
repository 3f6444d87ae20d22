#pragma once

#include "blocking_io.hpp"

#include <green/tasks/stream.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

struct options;

/// A name that somebody asks for, and where it stands.
struct entry {
    std::string name;
    const std::string* source = nullptr;  // the file; null: the command line
    std::size_t line = 0;  // or the number of the argument; from 1
    std::string_view problem;  // why it cannot be looked up; empty: nothing is known against it

    /// "names.txt:17", "argument 2"
    std::string place() const;
};

/// Cuts a text that comes in pieces into names, a line each, and keeps no more than one line of it.
/// Blank lines, comments and the \r of a \r\n are left out. Any bytes will do.
class line_cutter {
public:
    explicit line_cutter(const std::string& source) : source_(&source) {}

    /// Appends the names of the lines that end in `piece`.
    void cut(std::string_view piece, std::vector<entry>& names);
    /// The last line may have no end.
    void finish(std::vector<entry>& names);

private:
    void grow(std::string_view part);
    void end_line(std::vector<entry>& names);

    const std::string* source_;
    std::string line_;
    bool too_long_ = false;
    std::size_t number_ = 0;
};

/// The files of the command line, opened before anything is looked up. Throws usage_error for one
/// that cannot be.
class input_files {
public:
    explicit input_files(const options& o);

    struct file {
        std::string name;
        descriptor fd;
    };
    const std::vector<file>& all() const noexcept { return files_; }

private:
    std::vector<file> files_;
};

/// All names: of the command line, then of the files. They are read as they are needed.
green::stream<entry> read_names(const options& o, const input_files& files, blocking_io& io);

}  // namespace tool
