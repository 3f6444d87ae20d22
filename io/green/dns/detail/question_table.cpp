#include <green/dns/detail/question_table.hpp>

#include <green/loop/loop_core.hpp>

#include <algorithm>
#include <utility>

namespace green::detail {
namespace {

constexpr std::chrono::nanoseconds longest_try = std::chrono::minutes(10);

std::chrono::milliseconds whole_milliseconds(std::chrono::nanoseconds d) noexcept {
    auto const ms = std::chrono::ceil<std::chrono::milliseconds>(d);
    return std::clamp<std::chrono::milliseconds>(
        ms, std::chrono::milliseconds(1), std::chrono::hours(1)
    );
}

}  // namespace

question_ref question_table::ask(const question_key& what) {
    if (question* const known = questions_.find(what)) {
        ++shared_;
        return question_ref(*known);
    }
    engine();  // throws, if at all, here and not in the middle of a question
    question_ref q(*new (what.name()) question(*this, what));
    questions_.insert(*q);
    q->ask();
    return q;
}

void question_table::close() noexcept {
    if (std::exchange(closed_, true)) return;
    listener_.closed(counts());
    questions_.drain([](question& q) { q.close(); });
    engine_.reset();
}

table_counts question_table::counts() const noexcept {
    return {shared_, engine_ ? engine_->stats() : wire_stats{}};
}

void question_table::ended(question& q) noexcept {
    if (closed_) return;
    questions_.erase(q);
    if (!q.closed() && !disowned_) listener_.answered(q);
}

wire_engine& question_table::engine() {
    if (!engine_) {
        wire_options options;
        // Longer than any try, which the question times itself.
        options.timeout = whole_milliseconds(std::min(config_.timeout, longest_try) * 5);
        options.window = static_cast<unsigned>(config_.max_in_flight);
        options.tcp_only = config_.tcp_only;
        uv_loop_s* const loop = loop_core::require("resolver").native();
        engine_ = std::make_unique<wire_engine>(loop, config_.servers, options);
    }
    return *engine_;
}

std::size_t question_table::first_server() noexcept {
    return config_.rotate ? next_server_++ % config_.servers.size() : 0;
}

}  // namespace green::detail
