#include <green/debug/trace.hpp>

#include <green/loop/loop_core.hpp>
#include <green/loop/tracer.hpp>

#include <utility>

namespace green {

trace_session::trace_session(const std::string& path) {
    auto& tracer = detail::tracer::instance();
    tracer.open(path);
    if (auto* const core = detail::loop_core::current()) tracer.attach(*core);
}

void trace_session::close() noexcept {
    if (std::exchange(open_, false)) detail::tracer::instance().close();
}

}  // namespace green
