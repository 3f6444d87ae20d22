#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace green::testing {

/// A chain of certificates, the owner's first, and the owner's private key, both as PEM.
struct certificate {
    std::string chain;
    std::string key;
};

/// From when to when a certificate is good, counted from now.
struct validity {
    std::chrono::seconds begin = -std::chrono::hours(1);
    std::chrono::seconds end = std::chrono::hours(24);
};

/// An authority for the length of a test: makes certificates, good ones and bad ones, in some tenths
/// of a millisecond each. Its keys are in memory only; it is nobody whom anyone else trusts.
///
///     certificate_authority ca;
///     certificate const mine = ca.issue({"localhost", "127.0.0.1"});
///     auto server = tls_context::server_pem(mine.chain, mine.key);
///     auto client = tls_context::client().trust_pem(ca.pem());
class certificate_authority {
public:
    explicit certificate_authority(std::string_view name = "green test authority");
    certificate_authority(certificate_authority&&) noexcept;
    certificate_authority& operator=(certificate_authority&&) noexcept;
    ~certificate_authority();

    /// For these hosts and addresses; the first one is the common name too.
    certificate issue(const std::vector<std::string>& hosts, validity when = {});
    /// An authority of which this one vouches: what it issues comes with its certificate.
    certificate_authority intermediate(std::string_view name);
    /// A certificate that nobody vouches for but its owner.
    static certificate self_signed(const std::vector<std::string>& hosts, validity when = {});

    /// Takes back what was issued here: it stands in revocations() from now on.
    void revoke(const certificate& issued);
    void revoke(const certificate_authority& intermediate);
    /// The list of what was taken back (CRL), signed, as PEM.
    std::string revocations() const;

    /// The authority's own certificate as PEM.
    const std::string& pem() const;

private:
    struct state;
    explicit certificate_authority(std::unique_ptr<state> made);

    std::unique_ptr<state> state_;
};

}  // namespace green::testing
