// The main of every test executable.

#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"
#include "support/green_test.hpp"

#include <green/executor/process_worker_main.hpp>

namespace {

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
    return Catch::Session().run(argc, argv);
}
