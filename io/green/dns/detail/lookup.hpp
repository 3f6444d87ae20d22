#pragma once

#include <green/dns/detail/question_wait.hpp>
#include <green/dns/detail/resolver_core.hpp>
#include <green/dns/lookup_options.hpp>
#include <green/net/address.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace green::detail {

class trace_writer;

/// One lookup on its way through the resolver. Not a coroutine: it says when there is something to
/// wait for.
///
///     lookup l(...);
///     while (!l.advance()) co_await l.wait();
///     … l.addresses() …
///
///     check_name ─► special names ─► hosts file ─► for each name of the search list:
///                                      cache ─► questions, one per type, at once ─► wait ─► order
///
/// What one of several types finds is enough.
class lookup {
public:
    // `host` and `options` outlive it: they are parameters of the coroutine that it belongs to.

    /// The addresses of a host.
    lookup(resolver_core& core, const std::string& host, const lookup_options& options);
    /// The records of one type: the servers alone are asked, for the name as it stands.
    lookup(
        resolver_core& core,
        const std::string& name,
        record_type type,
        const lookup_options& options
    );
    lookup(resolver_core&, std::string&&, const lookup_options&) = delete;
    lookup(resolver_core&, std::string&&, record_type, const lookup_options&) = delete;

    /// Goes on as far as it can. True: it has ended with an answer. False: `wait()` is to be awaited.
    /// Throws dns_error, or closed_error when the resolver was closed meanwhile.
    bool advance();
    question_wait& wait() noexcept { return wait_; }
    /// From now on every step is written down there.
    void trace_into(trace_writer& trace) noexcept { trace_ = &trace; }

    /// Of A and AAAA, IPv4 first.
    std::vector<address>& addresses() noexcept { return addresses_; }
    const std::vector<address>& addresses() const noexcept { return addresses_; }
    /// Of another type: the message with the records.
    std::span<const std::byte> packet() const noexcept {
        if (!records_) return {};
        return records_->packet;
    }
    /// What was asked for.
    std::string_view name() const noexcept { return name_; }
    /// Since the servers said so.
    std::chrono::seconds age() const noexcept { return age_; }
    /// Of the addresses, when they came.
    std::chrono::seconds ttl() const noexcept { return ttl_; }

    /// Throws what is to be said of an answer whose records make no sense.
    [[noreturn]] void fail_unreadable() const;

private:
    struct other_names {
        std::string checked;  // what check_name has made of host_
        std::vector<std::string> candidates;
    };
    struct failure {
        dns_errc code;
        std::uint16_t server;
        std::uint16_t tries;
    };

    bool wants_records() const noexcept { return type_ != record_type{}; }
    bool begin();
    bool begin_special();
    bool answer_from_hosts();
    bool ask_files_first();
    bool give_up(const failure& f);
    bool end_locally();
    bool next_candidate();
    other_names& others();
    void ask(clock::time_point now);
    void ask(record_type type, clock::time_point now);
    void collect();
    void accept(const dns_answer& answer, std::chrono::seconds age);
    bool judge();
    [[noreturn]] void fail(const failure& f) const;
    [[noreturn]] void fail(
        dns_errc code, std::string_view reason, std::string_view server = {}, unsigned tries = 0
    ) const;
    [[noreturn]] void fail_too_late() const;

    resolver_core& core_;
    const std::shared_ptr<question_table> servers_;
    const std::string& host_;  // as the user wrote it
    const lookup_options& options_;
    std::string_view name_;  // to ask for: host_, or one of others_
    std::unique_ptr<other_names> others_;  // most lookups need none
    const record_type type_{};  // none: A and AAAA, as the family says
    std::uint16_t next_ = 0;  // candidate
    std::uint8_t dots_ = 0;
    bool absolute_ = false;
    bool begun_ = false;
    bool too_late_ = false;
    question_wait wait_;
    trace_writer* trace_ = nullptr;

    std::vector<address> addresses_;
    std::shared_ptr<const dns_records> records_;  // with the packet
    std::chrono::seconds age_{0};
    std::chrono::seconds ttl_{0};
    std::uint16_t server_ = 0;  // who said so
    std::optional<failure> failure_;  // of the present candidate
    std::optional<failure> first_;  // what is said when no candidate has an answer
};

}  // namespace green::detail
