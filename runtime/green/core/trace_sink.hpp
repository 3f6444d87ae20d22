#pragma once

#include <green/core/config.hpp>

#include <atomic>
#include <string_view>

namespace green::detail {

/// Where spans of work go that is no green task: jobs, queries. From any thread.
class trace_sink {
public:
    /// Null while no trace is written; never destroyed, so it may be used at any time later.
    static trace_sink* active() noexcept { return active_.load(std::memory_order_acquire); }

    /// A span that may end on another thread; `id` tells those of one category apart.
    virtual void begin_async(
        const char* category, const void* id, std::string_view name
    ) noexcept = 0;
    virtual void end_async(const char* category, const void* id) noexcept = 0;
    /// A span of this thread, which is not a loop's. They nest.
    virtual void begin_on_thread(const char* category, std::string_view name) noexcept = 0;
    virtual void end_on_thread() noexcept = 0;

protected:
    ~trace_sink() = default;

    inline static std::atomic<trace_sink*> active_{nullptr};
};

}  // namespace green::detail
