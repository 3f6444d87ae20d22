// The main of every test executable.

#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"
#include "support/green_test.hpp"
#include "support/sanitizers.hpp"

#include <green/executor/process_worker_main.hpp>

#include <cstddef>

// Of the sanitizers: sanitizer/common_interface_defs.h.
extern "C" void __sanitizer_symbolize_pc(
    void* pc, const char* format, char* text, std::size_t size
);

namespace {

/// ThreadSanitizer asks a process of its own for names when it first wants one: now, and not while a test
/// counts processes and descriptors.
void start_symbolizer() {
    if constexpr (green_test::under_thread_sanitizer) {
        char text[64];
        __sanitizer_symbolize_pc(
            reinterpret_cast<void*>(&start_symbolizer), "%f", text, sizeof text
        );
    }
}

#if CATCH_VERSION_MAJOR >= 3
using listener_base = Catch::EventListenerBase;
#else
using listener_base = Catch::TestEventListenerBase;
#endif

/// Puts every test case under the watchdog.
class watch_test_cases : public listener_base {
public:
    using listener_base::listener_base;

    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        green_test::watch_begin(info.name);
    }
    void testCaseEnded(const Catch::TestCaseStats&) override { green_test::watch_end(); }
};

}  // namespace

CATCH_REGISTER_LISTENER(watch_test_cases)

int main(int argc, char** argv) {
    green::process_worker_main();
    start_symbolizer();
    return Catch::Session().run(argc, argv);
}
