#include <green/net/tls_context.hpp>

#include <green/net/detail/tls_context_state.hpp>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace green {
namespace {

constexpr std::string_view in_text = "the text";

std::string contents(const std::string& file) {
    auto const close = [](std::FILE* f) { std::fclose(f); };
    std::unique_ptr<std::FILE, decltype(close)> const open(std::fopen(file.c_str(), "re"));
    if (!open) throw std::system_error(errno, std::system_category(), "open " + file);
    std::string text;
    char buffer[4096];
    while (std::size_t const n = std::fread(buffer, 1, sizeof buffer, open.get()))
        text.append(buffer, n);
    if (std::ferror(open.get()))
        throw std::system_error(errno, std::system_category(), "read " + file);
    return text;
}

}  // namespace

tls_context::tls_context(std::shared_ptr<detail::tls_context_state> state) noexcept
    : state_(std::move(state)) {}

tls_context tls_context::client() { return detail::tls_context_state::make(false); }

tls_context tls_context::server(const std::string& chain_file, const std::string& key_file) {
    return detail::tls_context_state::make(true).use_certificate(chain_file, key_file);
}

tls_context tls_context::server_pem(std::string_view chain, std::string_view key) {
    return detail::tls_context_state::make(true).use_certificate_pem(chain, key);
}

const tls_context& tls_context::system_client() {
    static tls_context const context = client();
    return context;
}

tls_context& tls_context::use_certificate(
    const std::string& chain_file, const std::string& key_file, std::string_view password
) {
    std::string const chain = contents(chain_file);
    std::string const key = contents(key_file);
    state_->use_certificate(chain, chain_file, key, key_file, password);
    return *this;
}

tls_context& tls_context::use_certificate_pem(
    std::string_view chain, std::string_view key, std::string_view password
) {
    state_->use_certificate(chain, in_text, key, in_text, password);
    return *this;
}

tls_context& tls_context::trust(const std::string& file) {
    state_->trust(contents(file), file);
    return *this;
}

tls_context& tls_context::trust_pem(std::string_view authorities) {
    state_->trust(authorities, in_text);
    return *this;
}

tls_context& tls_context::trust_system() {
    state_->trust_system();
    return *this;
}

tls_context& tls_context::use_revocations(const std::string& file) {
    state_->use_revocations(contents(file), file);
    return *this;
}

tls_context& tls_context::use_revocations_pem(std::string_view lists) {
    state_->use_revocations(lists, in_text);
    return *this;
}

tls_context& tls_context::set_verification(tls_verification what) {
    state_->set_verification(what);
    return *this;
}

tls_context& tls_context::set_minimum_version(tls_version version) {
    state_->set_minimum_version(version);
    return *this;
}

tls_context& tls_context::set_alpn(const std::vector<std::string>& protocols) {
    state_->set_alpn(protocols);
    return *this;
}

std::size_t tls_context::session_count() const { return state_->sessions().size(); }

}  // namespace green
