#include <green/dns/detail/question_table.hpp>

#include <green/loop/loop_core.hpp>

#include <algorithm>
#include <utility>

namespace green::detail {
namespace {

std::chrono::milliseconds whole_milliseconds(std::chrono::nanoseconds d) noexcept {
    auto const ms = std::chrono::ceil<std::chrono::milliseconds>(d);
    return std::clamp(ms, std::chrono::milliseconds(1), std::chrono::milliseconds(60'000));
}

}  // namespace

question_ref question_table::ask(const question_key& what) {
    if (auto const found = questions_.find(what); found != questions_.end()) {
        ++shared_;
        return question_ref(*found->second);
    }
    auto* const made = new question(*this, std::string(what.name), what.type);
    question_ref q(*made);  // deletes it if what follows throws
    questions_.emplace(made->key(), made);
    made->ask();
    return q;
}

void question_table::close() noexcept {
    // A question that ends takes itself out.
    while (!questions_.empty()) questions_.begin()->second->close();
    engine_.reset();
}

void question_table::ended(question& q) noexcept {
    questions_.erase(q.key());
    if (!q.closed()) listener_.answered(q);
}

wire_engine& question_table::engine() {
    if (!engine_) {
        wire_options options;
        options.timeout = whole_milliseconds(config_.timeout);
        options.window = static_cast<unsigned>(config_.max_in_flight);
        uv_loop_s* const loop = loop_core::require("resolver").native();
        engine_ = std::make_unique<wire_engine>(loop, config_.servers, options);
    }
    return *engine_;
}

std::size_t question_table::first_server() noexcept {
    return config_.rotate ? next_server_++ % config_.servers.size() : 0;
}

}  // namespace green::detail
