// A dinosaur runs home, in UTF-8: an animation whose pauses are sleeps.
//
// The four pictures are those of a Python tutorial on multitasking, byte for byte. With the real clock
// (`green::run(run_home())`) there is half a second between them; with the virtual one the program is a test.

#include <green/green.hpp>

#include <cstdio>

using namespace std::chrono_literals;

namespace {

green::task<> run_home() {
    const char* const pictures[] = {
        "*    .\n·   *\n  *   *\n🌲 🦕 🌳",
        "🌲      🦕...",
        "🌲   🦕.....",
        " ❣\n🌲🦕.......",
    };
    for (const char* picture : pictures) {
        std::printf("%s\n", picture);
        co_await green::sleep_for(500ms);
    }
}

}  // namespace

int main() { green::run(run_home(), {.virtual_time = true}); }
