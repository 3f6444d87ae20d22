#include <green/dns/dns_error.hpp>

#include <green/dns/detail/name.hpp>

namespace green {

std::string_view to_string(dns_errc code) noexcept {
    switch (code) {
    case dns_errc::not_found: return "not_found";
    case dns_errc::no_data: return "no_data";
    case dns_errc::timeout: return "timeout";
    case dns_errc::server_failure: return "server_failure";
    case dns_errc::refused: return "refused";
    case dns_errc::bad_name: return "bad_name";
    case dns_errc::bad_answer: return "bad_answer";
    case dns_errc::no_servers: return "no_servers";
    }
    return "unknown";
}

namespace {

std::string sentence(dns_errc code, std::string_view host, const dns_error_details& details) {
    auto const& [type, server, reason, tries] = details;
    std::string text = "resolve ";
    if (!type.empty()) {
        text += type;
        text += " of ";
    }
    text += detail::printable_name(host);
    text += ": ";
    text += to_string(code);
    if (tries != 0 && code == dns_errc::timeout) {
        text += " after ";
        text += std::to_string(tries);
        text += tries == 1 ? " try" : " tries";
    }
    if (reason.empty() && server.empty()) return text;
    text += " (";
    text += reason;
    if (!reason.empty() && !server.empty()) text += "; ";
    if (!server.empty()) {
        text += server.find(", ") == server.npos ? "server " : "servers ";
        text += server;
    }
    text += ')';
    return text;
}

}  // namespace

dns_error::dns_error(dns_errc code, std::string_view host, const dns_error_details& details)
    : std::runtime_error(sentence(code, host, details)),
      code_(code),
      tries_(details.tries),
      host_(host),
      type_(details.type),
      server_(details.server) {}

}  // namespace green
