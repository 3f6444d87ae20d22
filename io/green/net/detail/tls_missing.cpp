// What stands for TLS in a build without OpenSSL: no context can be made, and says why.

#include <green/net/detail/tls_engine.hpp>
#include <green/net/tls_context.hpp>
#include <green/net/tls_error.hpp>

#include <cstdlib>
#include <utility>

namespace green {

namespace detail {
class tls_context_state {};
class tls_engine_state {};
}  // namespace detail

namespace {

[[noreturn]] void refuse(std::string_view operation) {
    throw tls_error(
        tls_errc::unavailable, operation, {}, "green was built without OpenSSL, see the option tls"
    );
}

}  // namespace

tls_context::tls_context(std::shared_ptr<detail::tls_context_state> state) noexcept
    : state_(std::move(state)) {}

tls_context tls_context::client() { refuse("tls_context::client"); }
tls_context tls_context::server(const std::string&, const std::string&) {
    refuse("tls_context::server");
}
tls_context tls_context::server_pem(std::string_view, std::string_view) {
    refuse("tls_context::server_pem");
}
const tls_context& tls_context::system_client() { refuse("tls_context::system_client"); }

// From here on nothing is called: there is no object.

tls_context& tls_context::use_certificate(
    const std::string&, const std::string&, std::string_view
) {
    return *this;
}
tls_context& tls_context::use_certificate_pem(
    std::string_view, std::string_view, std::string_view
) {
    return *this;
}
tls_context& tls_context::trust(const std::string&) { return *this; }
tls_context& tls_context::trust_pem(std::string_view) { return *this; }
tls_context& tls_context::trust_system() { return *this; }
tls_context& tls_context::use_revocations(const std::string&) { return *this; }
tls_context& tls_context::use_revocations_pem(std::string_view) { return *this; }
tls_context& tls_context::set_verification(tls_verification) { return *this; }
tls_context& tls_context::set_minimum_version(tls_version) { return *this; }
tls_context& tls_context::set_alpn(const std::vector<std::string>&) { return *this; }
std::size_t tls_context::session_count() const { return 0; }

namespace detail {

tls_engine::tls_engine(const tls_context&, tls_peer) { refuse("tls handshake"); }
tls_engine::~tls_engine() = default;
tls_status tls_engine::handshake() { return tls_status::failed; }
tls_progress tls_engine::read(std::span<std::byte>) { return {tls_status::failed}; }
tls_progress tls_engine::write(std::span<const std::byte>) { return {tls_status::failed}; }
void tls_engine::close_notify() {}
void tls_engine::feed(std::span<const std::byte>) noexcept {}
bool tls_engine::has_input() const noexcept { return false; }
void tls_engine::feed_end() noexcept {}
std::size_t tls_engine::output_size() const noexcept { return 0; }
std::vector<std::byte> tls_engine::take_output() noexcept { return {}; }
void tls_engine::throw_failure() const { refuse("tls"); }
const std::string& tls_engine::label() const noexcept { std::abort(); }
tls_info tls_engine::info() const { return {}; }

}  // namespace detail
}  // namespace green
