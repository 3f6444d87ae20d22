#pragma once

#include <green/loop/task_info.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace green {

/// All green tasks of the loop that runs on this thread, the calling one among them: parents before
/// their children. std::logic_error where no loop runs. Models: asyncio.all_tasks, gevent.util.print_run_info.
std::vector<task_info> all_tasks();

/// What `dump_tasks` writes.
enum class dump_format : std::uint8_t {
    text,  ///< for people
    json,  ///< for programs: one object on one line
};

/// The tree of all green tasks of this loop: names, states, ages, what each waits for and where, and
/// cycles of waiting. std::logic_error where no loop runs.
///
/// As text it is what a deadlock_error says; as JSON an object with `tasks` (an array of objects with the
/// names of task_info's members, the tree being in `parent`) and `cycles` (arrays of task numbers).
/// Bytes that are no UTF-8 become U+FFFD. To have it on a signal: `run_options::dump_on_sigusr1`.
std::string dump_tasks(dump_format format = dump_format::text);

}  // namespace green
