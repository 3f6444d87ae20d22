#pragma once

#include <green/dns/detail/system_config.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace green::test {

/// A directory with the three files, gone with this object.
struct machine {
    machine() : directory(std::filesystem::temp_directory_path() / name()) {
        std::filesystem::create_directory(directory);
    }
    ~machine() { std::filesystem::remove_all(directory); }

    static std::string name() {
        static int count = 0;
        return "green-machine-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    }
    std::string path(const char* file) const { return directory / file; }
    void write(const char* file, const std::string& text) const {
        // A new file has another inode: the change is seen whatever the clock of the disk.
        std::ofstream(path("new")) << text;
        std::filesystem::rename(path("new"), path(file));
    }
    detail::system_paths paths() const {
        return {path("resolv.conf"), path("hosts"), path("nsswitch.conf")};
    }

    std::filesystem::path directory;
};

}  // namespace green::test
