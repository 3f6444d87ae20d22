#include <green/dns/detail/idna.hpp>

#if GREEN_HAVE_IDN2
#include <memory>

#include <idn2.h>
#endif

namespace green::detail {

#if GREEN_HAVE_IDN2

namespace {

/// A label of 63 bytes has at most 59 other characters, of four bytes each: what is longer than this
/// is no name, and need not be normalised to be known as none.
constexpr std::size_t longest_utf8 = 1024;

}  // namespace

ascii_name to_a_labels(std::string_view host) {
    if (host.size() > longest_utf8) return {{}, "longer than 253 bytes"};
    if (host.find('\0') != host.npos) return {{}, "a byte that no host name has"};
    const std::string terminated(host);
    char* out = nullptr;
    const int status =
        idn2_to_ascii_8z(terminated.c_str(), &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    const std::unique_ptr<char, void (*)(void*)> guard(out, &idn2_free);
    switch (status) {
    case IDN2_OK: return {out, nullptr};
    case IDN2_TOO_BIG_DOMAIN: return {{}, "longer than 253 bytes"};
    case IDN2_PUNYCODE_BIG_OUTPUT:
    case IDN2_TOO_BIG_LABEL: return {{}, "label longer than 63 bytes"};
    case IDN2_ENCODING_ERROR:
    case IDN2_ICONV_FAIL: return {{}, "neither ASCII nor UTF-8"};
    default: return {{}, "not allowed in an internationalised name (IDNA 2008)"};
    }
}

bool idna_available() noexcept { return true; }

#else

ascii_name to_a_labels(std::string_view) {
    return {
        {},
        "not ASCII, and green was built without libidn2: give an internationalised name as its "
        "A-label"
    };
}

bool idna_available() noexcept { return false; }

#endif

}  // namespace green::detail
