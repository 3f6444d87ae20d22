#include <green/dns/detail/record_type.hpp>

namespace green::detail {

std::string to_string(record_type type) {
    switch (type) {
    case record_type::a: return "A";
    case record_type::ns: return "NS";
    case record_type::cname: return "CNAME";
    case record_type::soa: return "SOA";
    case record_type::ptr: return "PTR";
    case record_type::mx: return "MX";
    case record_type::txt: return "TXT";
    case record_type::aaaa: return "AAAA";
    case record_type::srv: return "SRV";
    case record_type::naptr: return "NAPTR";
    case record_type::opt: return "OPT";
    case record_type::tlsa: return "TLSA";
    case record_type::svcb: return "SVCB";
    case record_type::https: return "HTTPS";
    case record_type::caa: return "CAA";
    }
    return "TYPE" + std::to_string(static_cast<unsigned>(type));
}

}  // namespace green::detail
