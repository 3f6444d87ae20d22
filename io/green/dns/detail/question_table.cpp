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

std::shared_ptr<question> question_table::ask(const std::string& name, record_type type) {
    if (closed_) {
        auto q = std::make_shared<question>(*this, name, type);
        q->close();
        return q;
    }
    auto& slot = questions_[key(name, type)];
    if (slot) {
        ++shared_;
        return slot;
    }
    slot = std::make_shared<question>(*this, name, type);
    std::shared_ptr<question> const q = slot;
    q->ask();  // may be done, and retired, at once
    return q;
}

void question_table::close() noexcept {
    if (std::exchange(closed_, true)) return;
    auto const open = std::exchange(questions_, {});
    for (auto const& [key, q] : open) q->close();
    engine_.reset();
}

std::string question_table::key(const std::string& name, record_type type) {
    return std::to_string(static_cast<unsigned>(type)) + ' ' + name;
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
