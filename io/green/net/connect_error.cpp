#include <green/net/connect_error.hpp>

#include <algorithm>
#include <utility>

namespace green {
namespace {

/// The attempt never left this machine.
bool is_local(const std::error_code& cause) {
    return cause == std::errc::network_unreachable || cause == std::errc::host_unreachable ||
        cause == std::errc::address_not_available ||
        cause == std::errc::address_family_not_supported;
}

std::error_code most_telling(const std::vector<connect_attempt>& attempts) {
    auto const found = std::find_if(attempts.begin(), attempts.end(), [](const connect_attempt& a) {
        return a.cause && !is_local(a.cause);
    });
    return found == attempts.end() ? attempts.front().cause : found->cause;
}

std::string text_of(
    std::string_view target, const std::vector<connect_attempt>& attempts, std::string_view names
) {
    std::string text = "connect tcp ";
    text += target;
    text += ": ";
    // One that was asked for as it stands needs no list.
    bool const is_target = attempts.size() == 1 && attempts.front().to.to_string() == target;
    text += is_target ? attempts.front().cause.message() : detail::to_text(attempts);
    if (!names.empty()) {
        text += "; ";
        text += names;
    }
    return text;
}

}  // namespace

connect_error::connect_error(
    std::string_view target, std::vector<connect_attempt> attempts, std::string_view names
)
    : std::system_error(most_telling(attempts)) {
    std::string text = text_of(target, attempts, names);
    details_ = std::make_shared<const details>(details{std::move(attempts), std::move(text)});
}

namespace detail {

std::string to_text(const std::vector<connect_attempt>& attempts) {
    std::string text;
    for (const connect_attempt& a : attempts) {
        if (!text.empty()) text += "; ";
        text += a.to.to_string() + ": ";
        text += a.cause ? a.cause.message() : "no answer yet";
    }
    return text;
}

}  // namespace detail
}  // namespace green
