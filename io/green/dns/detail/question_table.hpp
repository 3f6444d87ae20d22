#pragma once

#include <green/dns/detail/question.hpp>
#include <green/dns/resolver_config.hpp>

#include <memory>
#include <string>
#include <unordered_map>

namespace green::detail {

/// The questions in flight at one set of servers, each asked once however many lookups want it
/// (single-flight), and the wire engine that asks them. The loop's, from the first question on.
class question_table final : public question_owner {
public:
    /// `config` outlives it.
    explicit question_table(const resolver_config& config) : config_(config) {}
    ~question_table() { close(); }

    /// The question in flight for this, or a new one. It may be done when this returns. Once the
    /// table is closed it is one that is closed.
    std::shared_ptr<question> ask(const std::string& name, record_type type);

    /// Ends all questions without an answer; none can be asked any more.
    void close() noexcept;

    wire_stats stats() const noexcept { return engine_ ? engine_->stats() : wire_stats{}; }
    /// Questions that found another lookup's in flight.
    std::uint64_t shared() const noexcept { return shared_; }

private:
    static std::string key(const std::string& name, record_type type);

    // question_owner
    wire_engine& engine() override;
    std::size_t first_server() noexcept override;
    int tries() const noexcept override { return config_.tries; }
    std::chrono::nanoseconds try_timeout() const noexcept override { return config_.timeout; }
    void retire(question& q) noexcept override { questions_.erase(key(q.host(), q.kind())); }

    const resolver_config& config_;
    std::unique_ptr<wire_engine> engine_;
    std::unordered_map<std::string, std::shared_ptr<question>> questions_;
    std::size_t next_server_ = 0;
    std::uint64_t shared_ = 0;
    bool closed_ = false;
};

}  // namespace green::detail
