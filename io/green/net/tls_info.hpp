#pragma once

#include <green/core/config.hpp>

#include <string>

namespace green {

/// What the two ends of a TLS connection have agreed on, and who the peer is.
struct tls_info {
    std::string version;  ///< "TLSv1.3"
    std::string cipher;  ///< "TLS_AES_256_GCM_SHA384"
    std::string protocol;  ///< by ALPN, "h2"; empty: none was agreed on
    std::string server_name;  ///< whom the client asked for (SNI); empty: nobody in particular
    bool resumed = false;  ///< a session of before went on
    std::string
        peer_subject;  ///< of its certificate, "CN=worker 7,O=Example"; empty: it has shown none
    std::string peer_certificate;  ///< as PEM; empty likewise
};

}  // namespace green
