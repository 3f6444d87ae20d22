#include <green/dns/detail/record_parser.hpp>

#include <green/dns/detail/answer_section.hpp>
#include <green/dns/detail/message_reader.hpp>
#include <green/dns/detail/sort_stably.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace green::detail {
namespace {

using std::chrono::seconds;

/// Reads the data of one record and never beyond. What is short, and what is left over, is an error.
class data_reader {
public:
    data_reader(const message_reader& message, const resource_record& r) noexcept
        : in_(message), end_(r.end()) {
        in_.move_to(r.data);
    }

    bool complete() const noexcept { return in_.ok() && !failed_ && in_.position() == end_; }
    /// 0 after a failure, so that loops end.
    std::size_t left() const noexcept {
        return failed_ || in_.position() > end_ ? 0 : end_ - in_.position();
    }
    void fail() noexcept { failed_ = true; }

    std::uint8_t u8() noexcept { return fits(1) ? in_.u8() : std::uint8_t{0}; }
    std::uint16_t u16() noexcept { return fits(2) ? in_.u16() : std::uint16_t{0}; }
    std::uint32_t u32() noexcept { return fits(4) ? in_.u32() : 0; }
    seconds time() noexcept { return seconds(u32()); }

    std::vector<std::byte> bytes(std::size_t count) {
        if (!fits(count)) return {};
        auto const part = in_.bytes(count);
        return {part.begin(), part.end()};
    }
    std::string text(std::size_t count) {
        if (!fits(count)) return {};
        auto const part = in_.bytes(count);
        return {reinterpret_cast<const char*>(part.data()), part.size()};
    }
    /// A character-string (RFC 1035, 3.3): its length, then so many bytes.
    std::string string() { return text(u8()); }
    std::string name() {
        if (!fits(1)) return {};
        std::size_t const at = in_.skip_name();
        failed_ = !in_.ok();
        return failed_ ? std::string() : in_.text_at(at);
    }

private:
    bool fits(std::size_t count) noexcept {
        failed_ = failed_ || left() < count;
        return !failed_;
    }

    message_reader in_;
    std::size_t end_;
    bool failed_ = false;
};

void read(data_reader& in, a& r) {
    if (auto const ip = in.bytes(4); !ip.empty()) r.address = address::from_bytes(ip);
}

void read(data_reader& in, aaaa& r) {
    if (auto const ip = in.bytes(16); !ip.empty()) r.address = address::from_bytes(ip);
}

void read(data_reader& in, cname& r) { r.target = in.name(); }
void read(data_reader& in, ns& r) { r.nsdname = in.name(); }
void read(data_reader& in, ptr& r) { r.ptrdname = in.name(); }

void read(data_reader& in, soa& r) {
    r.mname = in.name();
    r.rname = in.name();
    r.serial = in.u32();
    r.refresh = in.time();
    r.retry = in.time();
    r.expire = in.time();
    r.minimum = in.time();
}

void read(data_reader& in, mx& r) {
    r.preference = in.u16();
    r.exchange = in.name();
}

void read(data_reader& in, txt& r) {
    if (in.left() == 0) in.fail();
    while (in.left() != 0) r.strings.push_back(in.string());
}

void read(data_reader& in, srv& r) {
    r.priority = in.u16();
    r.weight = in.u16();
    r.port = in.u16();
    r.target = in.name();
}

void read(data_reader& in, caa& r) {
    r.flags = in.u8();
    r.tag = in.string();
    r.value = in.text(in.left());
    if (r.tag.empty()) in.fail();
}

void read(data_reader& in, naptr& r) {
    r.order = in.u16();
    r.preference = in.u16();
    r.flags = in.string();
    r.services = in.string();
    r.regexp = in.string();
    r.replacement = in.name();
}

void read(data_reader& in, svcb& r) {
    r.priority = in.u16();
    r.target = in.name();
    // RFC 9460, 2.2: keys increase strictly, else the record is malformed.
    int last = -1;
    while (in.left() != 0) {
        svc_param p;
        p.key = in.u16();
        p.value = in.bytes(in.u16());
        if (p.key <= last) return in.fail();
        last = p.key;
        r.params.push_back(std::move(p));
    }
}

void read(data_reader& in, tlsa& r) {
    r.usage = in.u8();
    r.selector = in.u8();
    r.matching_type = in.u8();
    r.data = in.bytes(in.left());
}

void sort(std::vector<mx>& records) {
    sort_stably(records, [](const mx& x, const mx& y) { return x.preference < y.preference; });
}

void sort(std::vector<naptr>& records) {
    sort_stably(records, [](const naptr& x, const naptr& y) {
        return std::tie(x.order, x.preference) < std::tie(y.order, y.preference);
    });
}

template <class Record>
void sort(std::vector<Record>& records) {
    if constexpr (requires(Record r) { r.priority; }) {
        sort_stably(records, [](const Record& x, const Record& y) {
            return x.priority < y.priority;
        });
    }
}

seconds left_of(std::uint32_t ttl, seconds age) { return std::max(seconds(ttl) - age, seconds(0)); }

/// Calls `f(reader, record)` for the records of the question, while it returns true. False when the
/// message is malformed or `f` has returned false.
template <class F>
bool for_each_record(std::span<const std::byte> message, F f) {
    message_reader in(message);
    in.bytes(4);
    std::uint16_t const questions = in.u16();
    std::uint16_t const answers = in.u16();
    in.bytes(4);
    std::size_t const question = in.skip_name();
    auto const type = static_cast<record_type>(in.u16());
    in.u16();
    if (!in.ok() || questions != 1) return false;
    answer_section section;
    if (!section.read(in, answers, question, type)) return false;
    bool good = true;
    section.for_each(in, [&](const resource_record& r) { good = good && f(in, r); });
    return good;
}

}  // namespace

template <class Record>
std::optional<std::vector<Record>> parse_records(
    std::span<const std::byte> message, std::chrono::seconds age
) {
    std::vector<Record> records;
    bool const good = for_each_record(message, [&](const message_reader& in, resource_record r) {
        if (r.type != type_of<Record>()) return false;
        data_reader data(in, r);
        Record& record = records.emplace_back();
        read(data, record);
        record.ttl = left_of(r.ttl, age);
        return data.complete();
    });
    if (!good) return std::nullopt;
    sort(records);
    return records;
}

std::optional<std::vector<raw_record>> parse_raw_records(
    std::span<const std::byte> message, std::chrono::seconds age
) {
    std::vector<raw_record> records;
    bool const good = for_each_record(message, [&](message_reader in, const resource_record& r) {
        raw_record& record = records.emplace_back();
        record.name = in.name_at(r.owner);
        record.type = static_cast<std::uint16_t>(r.type);
        in.move_to(r.data);
        auto const data = in.bytes(r.data_size);
        record.data.assign(data.begin(), data.end());
        record.ttl = left_of(r.ttl, age);
        return true;
    });
    if (!good) return std::nullopt;
    return records;
}

template std::optional<std::vector<a>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<aaaa>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<cname>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<mx>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<txt>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<srv>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<ns>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<ptr>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<soa>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<caa>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<naptr>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<svcb>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<https>> parse_records(std::span<const std::byte>, seconds);
template std::optional<std::vector<tlsa>> parse_records(std::span<const std::byte>, seconds);

}  // namespace green::detail
