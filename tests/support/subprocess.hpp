#pragma once

#include <string>
#include <vector>

// Programs in processes of their own: hidden test cases of this executable, and Python.

namespace green_test {

struct ended_process {
    int status;  // exit status, or 256 + signal
    std::string output;  // stdout and stderr
};

/// Runs a program with arguments and, before the present environment, `environment` (NAME=value).
ended_process run_process(
    const std::vector<std::string>& command, const std::vector<std::string>& environment = {}
);

/// This executable, not a link to it: a debugger would start another program.
std::string program_path();
/// The program of that name in the same directory.
std::string beside_this(const std::string& program);

/// Runs the hidden test case `name` of this executable.
ended_process run_program(
    const std::string& name, const std::vector<std::string>& environment = {}
);

/// Runs a Python program on a file with `input` (`sys.argv[1]`); what it prints.
std::string run_python(const std::string& program, const std::string& input);

/// A directory that is removed with all that is in it.
class scratch_directory {
public:
    scratch_directory();
    ~scratch_directory();
    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;
    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

}  // namespace green_test
