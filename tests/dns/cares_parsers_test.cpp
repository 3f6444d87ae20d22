// The parser of records beside those that c-ares 1.18 has: what both can read, both read the same.

// The functions that c-ares 1.34 deprecates are those that 1.18 has.
#define CARES_NO_DEPRECATED

#include "dns/record_packets.hpp"
#include "support/catch.hpp"

#include <green/dns/detail/record_parser.hpp>

#include <ares.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netdb.h>

using namespace green;
using green::detail::parse_records;
using green_test::random_source;

namespace {

namespace t = green::testing;
using bytes = std::vector<std::byte>;

/// The records of a message, each as a text, sorted; empty: it cannot be read.
using texts = std::optional<std::vector<std::string>>;

template <class... Fields>
std::string joined(const Fields&... fields) {
    std::string out;
    auto const add = [&](auto const& field) {
        if constexpr (std::is_convertible_v<decltype(field), std::string_view>)
            out += std::string_view(field);
        else
            out += std::to_string(field);
        out += '|';
    };
    (add(fields), ...);
    return out;
}

template <class Record, class F>
texts ours(const bytes& packet, F text_of) {
    auto const records = parse_records<Record>(packet, std::chrono::seconds(0));
    if (!records || records->empty()) return std::nullopt;
    std::vector<std::string> out;
    for (auto const& r : *records) out.push_back(text_of(r));
    std::sort(out.begin(), out.end());
    return out;
}

const unsigned char* data(const bytes& packet) {
    return reinterpret_cast<const unsigned char*>(packet.data());
}

/// For the parsers that make a list of structs.
template <class Reply, class F>
texts theirs(int (*parse)(const unsigned char*, int, Reply**), const bytes& packet, F text_of) {
    Reply* list = nullptr;
    int const status = parse(data(packet), static_cast<int>(packet.size()), &list);
    texts out;
    if (status == ARES_SUCCESS && list) {
        out.emplace();
        for (Reply* r = list; r; r = r->next) out->push_back(text_of(*r));
        std::sort(out->begin(), out->end());
    }
    if (list) ares_free_data(list);
    return out;
}

/// For those that make a hostent, whose aliases are the records.
template <class F>
texts their_aliases(F parse) {
    hostent* host = nullptr;
    texts out;
    if (parse(&host) == ARES_SUCCESS && host) {
        out.emplace();
        for (char** name = host->h_aliases; name && *name; ++name) out->emplace_back(*name);
        std::sort(out->begin(), out->end());
    }
    if (host) ares_free_hostent(host);
    return out;
}

/// For addresses, with their own TTLs: c-ares takes the least of the chain, as all do.
template <class Entry, class F>
texts their_addresses(const bytes& packet, F parse, int family) {
    std::array<Entry, 16> found;
    int count = found.size();
    int const status =
        parse(data(packet), static_cast<int>(packet.size()), nullptr, found.data(), &count);
    if (status != ARES_SUCCESS || count == 0) return std::nullopt;
    std::vector<std::string> out;
    for (int i = 0; i < count; ++i) {
        char text[INET6_ADDRSTRLEN];
        out.emplace_back(inet_ntop(family, &found[static_cast<std::size_t>(i)], text, sizeof text));
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::string string_of(const unsigned char* text) { return reinterpret_cast<const char*>(text); }

std::string string_of(const unsigned char* text, std::size_t size) {
    return {reinterpret_cast<const char*>(text), size};
}

/// One type: a record of it by chance, and what both make of a message.
struct peer {
    std::uint16_t type;
    t::dns_record (*random_record)(random_source&);
    texts (*ours)(const bytes&);
    texts (*theirs)(const bytes&);
};

std::uint16_t number(random_source& random) { return static_cast<std::uint16_t>(random.next()); }

std::string host(random_source& random) {
    return "h" + std::to_string(random.below(99)) + ".Example.test";
}

std::string word(random_source& random) {
    std::string out(static_cast<std::size_t>(random.below(20)), 'a');
    for (char& c : out) c = static_cast<char>('!' + random.below(90));
    return out;
}

t::dns_record random_address(random_source& random, std::size_t size) {
    bytes ip(size);
    for (std::byte& b : ip) b = static_cast<std::byte>(random.next());
    return t::address_record(address::from_bytes(ip));
}

t::dns_record random_txt(random_source& random) {
    bytes out;
    for (int strings = 1 + random.below(3); strings > 0; --strings) {
        std::string const text = word(random);
        out.push_back(static_cast<std::byte>(text.size()));
        for (char const c : text) out.push_back(static_cast<std::byte>(c));
    }
    return {t::type_txt, out};
}

texts their_txt(const bytes& packet) {
    ares_txt_ext* list = nullptr;
    int const status =
        ares_parse_txt_reply_ext(data(packet), static_cast<int>(packet.size()), &list);
    texts out;
    if (status == ARES_SUCCESS && list) {
        out.emplace();
        for (auto* r = list; r; r = r->next) {
            if (r->record_start) out->emplace_back();
            out->back() += string_of(r->txt, r->length) + '|';
        }
        std::sort(out->begin(), out->end());
    }
    if (list) ares_free_data(list);
    return out;
}

texts their_soa(const bytes& packet) {
    ares_soa_reply* r = nullptr;
    int const status = ares_parse_soa_reply(data(packet), static_cast<int>(packet.size()), &r);
    texts out;
    if (status == ARES_SUCCESS && r) {
        out.emplace();
        out->push_back(
            joined(r->nsname, r->hostmaster, r->serial, r->refresh, r->retry, r->expire, r->minttl)
        );
    }
    if (r) ares_free_data(r);
    return out;
}

const peer peers[] = {
    {t::type_a, [](random_source& random) { return random_address(random, 4); },
     [](const bytes& p) { return ours<a>(p, [](const a& r) { return r.address.ip(); }); },
     [](const bytes& p) { return their_addresses<ares_addrttl>(p, ares_parse_a_reply, AF_INET); }},
    {t::type_aaaa, [](random_source& random) { return random_address(random, 16); },
     [](const bytes& p) { return ours<aaaa>(p, [](const aaaa& r) { return r.address.ip(); }); },
     [](const bytes& p) {
         return their_addresses<ares_addr6ttl>(p, ares_parse_aaaa_reply, AF_INET6);
     }},
    {t::type_ns, [](random_source& random) { return t::ns_record(host(random)); },
     [](const bytes& p) { return ours<ns>(p, [](const ns& r) { return r.nsdname; }); },
     [](const bytes& p) {
         return their_aliases([&](hostent** h) {
             return ares_parse_ns_reply(data(p), static_cast<int>(p.size()), h);
         });
     }},
    {t::type_ptr, [](random_source& random) { return t::ptr_record(host(random)); },
     [](const bytes& p) { return ours<ptr>(p, [](const ptr& r) { return r.ptrdname; }); },
     [](const bytes& p) {
         return their_aliases([&](hostent** h) {
             in_addr const ip{};
             return ares_parse_ptr_reply(
                 data(p), static_cast<int>(p.size()), &ip, sizeof ip, AF_INET, h
             );
         });
     }},
    {t::type_mx, [](random_source& random) { return t::mx_record(number(random), host(random)); },
     [](const bytes& p) {
         return ours<mx>(p, [](const mx& r) { return joined(r.preference, r.exchange); });
     },
     [](const bytes& p) {
         return theirs(ares_parse_mx_reply, p, [](const ares_mx_reply& r) {
             return joined(r.priority, r.host);
         });
     }},
    {t::type_srv,
     [](random_source& random) {
         return t::srv_record(number(random), number(random), number(random), host(random));
     },
     [](const bytes& p) {
         return ours<srv>(p, [](const srv& r) {
             return joined(r.priority, r.weight, r.port, r.target);
         });
     },
     [](const bytes& p) {
         return theirs(ares_parse_srv_reply, p, [](const ares_srv_reply& r) {
             return joined(r.priority, r.weight, r.port, r.host);
         });
     }},
    {t::type_txt, random_txt,
     [](const bytes& p) {
         return ours<txt>(p, [](const txt& r) {
             std::string out;
             for (auto const& s : r.strings) out += s + '|';
             return out;
         });
     },
     their_txt},
    {t::type_soa,
     [](random_source& random) {
         return t::soa_record(host(random), host(random), number(random), number(random));
     },
     [](const bytes& p) {
         return ours<soa>(p, [](const soa& r) {
             return joined(
                 r.mname, r.rname, r.serial, r.refresh.count(), r.retry.count(), r.expire.count(),
                 r.minimum.count()
             );
         });
     },
     their_soa},
    {t::type_caa,
     [](random_source& random) {
         return t::caa_record(
             static_cast<std::uint8_t>(random.next()), "issue", word(random) + 'x'
         );
     },
     [](const bytes& p) {
         return ours<caa>(p, [](const caa& r) { return joined(r.flags, r.tag, r.value); });
     },
     [](const bytes& p) {
         return theirs(ares_parse_caa_reply, p, [](const ares_caa_reply& r) {
             return joined(
                 r.critical, string_of(r.property, r.plength), string_of(r.value, r.length)
             );
         });
     }},
    {t::type_naptr,
     [](random_source& random) {
         return t::naptr_record(
             number(random), number(random), word(random), word(random), word(random), host(random)
         );
     },
     [](const bytes& p) {
         return ours<naptr>(p, [](const naptr& r) {
             return joined(r.order, r.preference, r.flags, r.services, r.regexp, r.replacement);
         });
     },
     [](const bytes& p) {
         return theirs(ares_parse_naptr_reply, p, [](const ares_naptr_reply& r) {
             return joined(
                 r.order, r.preference, string_of(r.flags), string_of(r.service),
                 string_of(r.regexp), r.replacement
             );
         });
     }},
};

/// c-ares writes them in its own way, and ends a text at a byte 0.
bool is_plain(const texts& all) {
    return std::none_of(all->begin(), all->end(), [](const std::string& text) {
        return std::any_of(text.begin(), text.end(), [](char c) { return c < '!' || c == '\\'; });
    });
}

}  // namespace

TEST_CASE("records: as c-ares reads them", "[records]") {
    random_source random(7);
    for (const peer& p : peers) {
        INFO("type " << p.type);
        for (int i = 0; i < 300; ++i) {
            std::vector<t::dns_record> records;
            int const most = p.type == t::type_soa ? 1 : 1 + random.below(4);
            while (static_cast<int>(records.size()) < most) {
                records.push_back(p.random_record(random));
            }
            bytes const packet = test::packet_of(p.type, records);
            texts const left = p.ours(packet);
            texts const right = p.theirs(packet);
            REQUIRE(left);
            REQUIRE(right);
            REQUIRE(*left == *right);

            // Of a damaged one c-ares may see more, for it does not look at the owners of records.
            bytes const bad = test::damaged(packet, random);
            texts const ours_of_bad = p.ours(bad);
            texts const theirs_of_bad = p.theirs(bad);
            bool const comparable = ours_of_bad && theirs_of_bad && is_plain(ours_of_bad) &&
                is_plain(theirs_of_bad) && ours_of_bad->size() == theirs_of_bad->size();
            if (comparable) REQUIRE(*ours_of_bad == *theirs_of_bad);
        }
    }
}
