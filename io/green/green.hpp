#pragma once

// All of green.

#include <green/core/errors.hpp>
#include <green/core/task.hpp>
#include <green/core/time.hpp>
#include <green/debug/assert_switches.hpp>
#include <green/debug/stats.hpp>
#include <green/debug/tasks.hpp>
#include <green/debug/trace.hpp>
#include <green/dns/dns_error.hpp>
#include <green/dns/resolver.hpp>
#include <green/executor/executor_error.hpp>
#include <green/executor/future.hpp>
#include <green/executor/thread_executor.hpp>
#include <green/loop/completion.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/run.hpp>
#include <green/loop/run_main.hpp>
#include <green/loop/run_options.hpp>
#include <green/loop/sleep.hpp>
#include <green/net/address.hpp>
#include <green/tasks/finally.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/this_task.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_all.hpp>
#include <green/tasks/when_any.hpp>
