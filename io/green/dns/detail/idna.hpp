#pragma once

#include <string>
#include <string_view>

namespace green::detail {

/// A name as the DNS has it, or why it has none.
struct ascii_name {
    std::string text;
    const char* problem = nullptr;  // of static storage
};

/// The name with A-labels (`xn--…`) for its labels in other scripts: IDNA2008 with the mapping of UTS
/// 46, nontransitional, which is what browsers and glibc's AI_IDN have. `host` is UTF-8, in any
/// normal form and case; the dots of other scripts count as dots.
///
/// The result is as little trusted as what came: it may be anything that is ASCII.
ascii_name to_a_labels(std::string_view host);

/// Whether green was built with libidn2. Without it every name has the problem that it was not.
bool idna_available() noexcept;

}  // namespace green::detail
