#pragma once

#include <green/dns/detail/question.hpp>
#include <green/dns/detail/question_map.hpp>
#include <green/dns/resolver_config.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace green::detail {

struct table_counts {
    std::uint64_t shared = 0;  // questions that found another lookup's in flight
    wire_stats wire;
};

/// Is told what the servers said, and at its end what a table has counted.
class answer_listener {
public:
    virtual void answered(const question& q) noexcept = 0;
    virtual void closed(const table_counts& counts) noexcept = 0;

protected:
    ~answer_listener() = default;
};

/// The questions in flight at one set of servers, each asked once however many lookups want it
/// (single-flight), and the wire engine that asks them. The loop's, from the first question on.
///
/// When the configuration changes there is a new one; this one lives on until the lookups that use
/// it have ended.
class question_table final : public question_owner {
public:
    /// `listener` outlives it.
    question_table(resolver_config config, answer_listener& listener)
        : config_(std::move(config)), listener_(listener) {}
    ~question_table() { close(); }
    question_table(const question_table&) = delete;
    question_table& operator=(const question_table&) = delete;

    const resolver_config& config() const noexcept { return config_; }

    /// The question in flight for this, or a new one. Not once the table is closed.
    question_ref ask(const question_key& what);

    /// Its answers are not to be kept any more.
    void disown() noexcept { disowned_ = true; }
    /// Ends all questions without an answer.
    void close() noexcept;

    table_counts counts() const noexcept;

    // question_owner
    wire_engine& engine() override;
    std::size_t first_server() noexcept override;
    int tries() const noexcept override { return config_.tries; }
    std::chrono::nanoseconds try_timeout() const noexcept override { return config_.timeout; }
    void ended(question& q) noexcept override;

private:
    const resolver_config config_;
    answer_listener& listener_;
    std::unique_ptr<wire_engine> engine_;
    question_map<question> questions_;
    std::size_t next_server_ = 0;
    std::uint64_t shared_ = 0;
    bool disowned_ = false;
    bool closed_ = false;
};

}  // namespace green::detail
