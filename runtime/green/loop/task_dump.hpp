#pragma once

#include <green/core/scheduler.hpp>

#include <string>

namespace green::detail {

/// The tasks of the nursery and all below them, one line each and one per `co_await` of its stack,
/// innermost first. For people: deadlock reports, shutdown reports, test watchdogs.
std::string dump_tasks(const nursery& root);

/// `main.cpp:12 in task<void> f()`.
std::string describe(const std::source_location& where);

/// The report of a failure that nobody handled.
std::string failure_report(const green_task& t);

}  // namespace green::detail
