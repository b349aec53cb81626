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

// Puts a chain into use: the server's own certificate first, then its issuers.
absl::Status UseCertificateChain(SSL_CTX* context, std::string_view pem);

// Puts the certificate's key into use. REQUIRES: the certificate is in use.
absl::Status UsePrivateKey(SSL_CTX* context, const Secret& pem);

// Accepts clients' certificates that any of these issued.
absl::Status TrustClientIssuers(SSL_CTX* context, std::string_view pem);

// Accepts servers' certificates that any of these issued.
absl::Status TrustServerIssuers(SSL_CTX* context, std::string_view pem);

// Accepts servers' certificates that any in the file issued; it must be a
// regular file.
absl::Status TrustCaFile(SSL_CTX* context, const std::string& path);

// What is wrong with a listener's certificates and key. A key is only compared
// with a certificate that can be used.
struct ServerTlsCheck {
  absl::Status cert_chain;
  absl::Status private_key;
  absl::Status client_ca;
  // Whether the server's own certificate, if it can be used, is valid now:
  // clients refuse one whose time has not begun or is over.
  absl::Status validity;
};

// Checks the material as of `now`. There is no client CA if `client_ca_pem` is
// empty.
ServerTlsCheck CheckServerTls(std::string_view cert_chain_pem,
                              const Secret& private_key_pem,
                              std::string_view client_ca_pem, absl::Time now);

// Says what connections to a provider would say of the CA file `path`.
absl::Status CheckCaFile(const std::string& path);

// Returns what OpenSSL last complained about on this thread, and clears it;
// `fallback` if there is nothing.
std::string TakeTlsError(std::string_view fallback);

}  // namespace gateway

#endif  // BASE_NET_TLS_MATERIAL_H_
