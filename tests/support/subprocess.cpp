#include "support/subprocess.hpp"

#include "support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace green_test {

ended_process run_process(
    const std::vector<std::string>& command, const std::vector<std::string>& environment
) {
    int out[2];
    REQUIRE(::pipe(out) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    std::vector<std::string> words = command;
    std::vector<char*> argv;
    for (auto& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    std::vector<std::string> settings = environment;
    std::vector<char*> envp;
    for (auto& s : settings) envp.push_back(s.data());
    for (char** e = environ; *e; ++e) envp.push_back(*e);
    envp.push_back(nullptr);
    pid_t pid = 0;
    int const failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    REQUIRE(failed == 0);
    ended_process result{};
    char buffer[4096];
    for (ssize_t n; (n = ::read(out[0], buffer, sizeof buffer)) > 0;) {
        result.output.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(out[0]);
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
    return result;
}

std::string program_path() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

std::string beside_this(const std::string& program) {
    return std::filesystem::path(program_path()).replace_filename(program).string();
}

ended_process run_program(const std::string& name, const std::vector<std::string>& environment) {
    return run_process({program_path(), name, "--out=/dev/null"}, environment);
}

scratch_directory::scratch_directory() {
    path_ = std::filesystem::temp_directory_path().string() + "/green-debug-XXXXXX";
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
}
scratch_directory::~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

std::string run_python(const std::string& program, const std::string& input) {
    scratch_directory const dir;
    write_file(dir.file("program.py"), program);
    write_file(dir.file("input"), input);
    auto const result = run_process({"python3", dir.file("program.py"), dir.file("input")});
    return result.output;
}

}  // namespace green_test
