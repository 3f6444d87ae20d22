#include <green/dns/detail/lookup_cache.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace green::detail {
namespace {

/// RFC 2308, 5: "values of one to three hours have been found to work well".
constexpr std::chrono::hours most_negative{3};

/// How long one who refreshes has before the next one does.
constexpr std::chrono::seconds refresh_interval{1};

}  // namespace

lookup_cache::found lookup_cache::find(const question_key& what, clock::time_point now) {
    entry* const known = entries_.find(what);
    if (!known || is_gone(*known, now)) {
        ++counts_.misses;
        if (known) remove(*known);
        return {};
    }
    entry& e = *known;
    by_use_.remove(e);
    by_use_.push_back(e);
    ++counts_.hits;
    found f;
    f.answer = &e.answer;
    f.age = std::chrono::duration_cast<std::chrono::seconds>(now - e.stored);
    if (e.answer.error) ++counts_.negative_hits;
    if (now < e.expires) {
        f.left = e.expires - now;
    } else {
        ++counts_.stale_hits;
        f.refresh = now >= e.refresh_at;
        if (f.refresh) e.refresh_at = saturating_add(now, refresh_interval);
    }
    return f;
}

void lookup_cache::store(const question_key& what, dns_answer answer, clock::time_point now) {
    if (limits_.entries == 0) return;
    entry* e = entries_.find(what);
    bool const has_better = e && answer.failure() && !e->answer.error && !is_gone(*e, now);
    if (has_better) {
        e->refresh_at = saturating_add(now, limits_.failure_ttl);
        return;
    }
    auto const held = lifetime(answer);
    if (!held) {
        if (e) remove(*e);
        return;
    }
    if (!e) {
        if (entries_.size() >= limits_.entries) {
            remove(*by_use_.front());
            ++counts_.evictions;
        }
        std::unique_ptr<entry> made(new (what.name()) entry(what));
        entries_.insert(*made);
        e = made.release();
        by_use_.push_back(*e);
    }
    e->answer = std::move(answer);
    e->stored = now;
    e->expires = e->refresh_at = saturating_add(now, *held);
}

void lookup_cache::clear() noexcept {
    while (entry* const e = by_use_.front()) remove(*e);
}

/// Empty: not to be kept.
std::optional<std::chrono::nanoseconds> lookup_cache::lifetime(const dns_answer& answer
) const noexcept {
    std::chrono::nanoseconds held{0};
    if (answer.failure()) {
        held = limits_.failure_ttl;
    } else {
        if (!answer.ttl) return std::nullopt;
        held =
            std::max<std::chrono::nanoseconds>(std::chrono::seconds(*answer.ttl), limits_.min_ttl);
        held = std::min(held, limits_.max_ttl);
        if (answer.error) held = std::min<std::chrono::nanoseconds>(held, most_negative);
    }
    if (held.count() <= 0) return std::nullopt;
    return held;
}

bool lookup_cache::is_gone(const entry& e, clock::time_point now) const noexcept {
    auto const extra = e.answer.error ? std::chrono::nanoseconds(0) : limits_.stale;
    return now >= saturating_add(e.expires, extra);
}

void lookup_cache::remove(entry& e) noexcept {
    by_use_.remove(e);
    entries_.erase(e);
    delete &e;
}

}  // namespace green::detail
