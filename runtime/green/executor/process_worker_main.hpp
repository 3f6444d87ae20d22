#pragma once

#include <green/core/config.hpp>

namespace green {

/// In a process that a process_executor of this program has started, serves it, and does not return.
/// In every other process, returns at once. `run` and `run_main` call it before they do anything, so
/// only a program that does something before them, or uses executors without a loop, has to: as the
/// first line of main. Without it, the program would start itself again and again; an executor sees
/// that and ends such a process with a sentence on stderr. Model: multiprocessing.freeze_support.
///
///     int main() {
///         green::process_worker_main();
///         green::process_executor pool;
///         std::printf("%d\n", pool.submit(heavy, 42).result());
///     }
void process_worker_main();

namespace detail {

/// A process that was started to serve and makes an executor of its own instead is a mistake that would
/// repeat itself without end, for that executor would start another such process. Ends it then, with
/// a sentence on stderr.
void refuse_unplayed_role();

}  // namespace detail
}  // namespace green
