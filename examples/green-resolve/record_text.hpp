#pragma once

#include <green/dns/records.hpp>

#include <string>

namespace tool {

// The data of a record as a zone file has it (RFC 1035, 5.1), in one line; names without the final dot.
std::string text_of(const green::a& r);
std::string text_of(const green::aaaa& r);
std::string text_of(const green::caa& r);
std::string text_of(const green::cname& r);
std::string text_of(const green::https& r);
std::string text_of(const green::mx& r);
std::string text_of(const green::naptr& r);
std::string text_of(const green::ns& r);
std::string text_of(const green::ptr& r);
std::string text_of(const green::soa& r);
std::string text_of(const green::srv& r);
std::string text_of(const green::svcb& r);
std::string text_of(const green::tlsa& r);
std::string text_of(const green::txt& r);

}  // namespace tool
