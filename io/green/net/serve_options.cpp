#include <green/net/serve_options.hpp>

namespace green {

serve_report& serve_report::operator+=(const serve_report& o) noexcept {
    accepted += o.accepted;
    served += o.served;
    disconnected += o.disconnected;
    failed += o.failed;
    cancelled += o.cancelled;
    peak += o.peak;
    accept_errors += o.accept_errors;
    turned_away += o.turned_away;
    return *this;
}

}  // namespace green
