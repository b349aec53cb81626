// Certificates and keys as files hold them, in PEM, put into a TLS context.
// What cannot be used is told in words that say what was found and what belongs
// there; a caller adds whose it is:
//
//   const ServerTlsCheck check = CheckServerTls(chain_pem, key_pem, "");
//   if (!check.private_key.ok()) ...
//   // "is not the key of the certificate, which is for gateway.example"
//
// Errors are of kInvalidArgument. They repeat nothing of a key.
//
// Thread-safe. What has a path blocks on its file.

#ifndef BASE_NET_TLS_MATERIAL_H_
#define BASE_NET_TLS_MATERIAL_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/secret.h"

typedef struct ssl_ctx_st SSL_CTX;

namespace gateway {

// The server's own certificate first, then its issuers.
absl::Status UseCertificateChain(SSL_CTX* context, std::string_view pem);

// REQUIRES: the certificate is in use.
absl::Status UsePrivateKey(SSL_CTX* context, const Secret& pem);

// Clients' certificates may be issued by any of these.
absl::Status TrustClientIssuers(SSL_CTX* context, std::string_view pem);

// Servers' certificates may be issued by any in the file, which is a regular
// one, too.
absl::Status TrustCaFile(SSL_CTX* context, const std::string& path);

// What a listener would say of its material. A key is only compared with a
// certificate that can be used.
struct ServerTlsCheck {
  absl::Status cert_chain;
  absl::Status private_key;
  absl::Status client_ca;
  // Of the server's own certificate, if it can be used: clients refuse one
  // whose time has not begun or is over.
  absl::Status validity;
};

// At the time `now`. No client CA if `client_ca_pem` is empty.
ServerTlsCheck CheckServerTls(std::string_view cert_chain_pem,
                              const Secret& private_key_pem,
                              std::string_view client_ca_pem, absl::Time now);

// What a provider's connections would say of `path`.
absl::Status CheckCaFile(const std::string& path);

// What OpenSSL last complained about on this thread, in words; clears it.
std::string TakeTlsError(std::string_view fallback);

}  // namespace gateway

#endif  // BASE_NET_TLS_MATERIAL_H_
