// TlsContext holds what TLS connections of one kind share: trusted issuers or
// the server's own certificate, protocol versions, session cache. TLS 1.2 and
// later; the peer of a client is always verified, by name.
//
// Thread contract: immutable after creation; may be shared by all loops.

#ifndef BASE_NET_TLS_CONTEXT_H_
#define BASE_NET_TLS_CONTEXT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/secret.h"

typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;

namespace gateway {

class TlsContext {
 public:
  struct ClientOptions {
    // A PEM file trusted in addition to the system's bundle; may be empty.
    std::string extra_ca_file;
    // Protocols to offer by ALPN, most wanted first; none if empty.
    std::vector<std::string> alpn;
  };
  struct ServerOptions {
    // PEM; the server's own certificate first.
    std::string certificate_chain_pem;
    Secret private_key_pem{""};
    // PEM. If not empty, clients must show a certificate that one of these
    // issued.
    std::string client_ca_pem;
    // Protocols to accept by ALPN, most wanted first; none if empty.
    std::vector<std::string> alpn;
  };

  static absl::StatusOr<std::shared_ptr<TlsContext>> ForClient(
      const ClientOptions& options);
  static absl::StatusOr<std::shared_ptr<TlsContext>> ForServer(
      const ServerOptions& options);
  ~TlsContext();

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Makes a session over `fd`, which it does not own. For a client, `peer_name`
  // is the name or address that the peer's certificate must be for. The caller
  // frees it.
  absl::StatusOr<SSL*> NewSession(int fd, const std::string& peer_name) const;

 private:
  TlsContext(SSL_CTX* context, bool is_server, std::string alpn);

  static int SelectAlpn(SSL* ssl, const unsigned char** out,
                        unsigned char* out_length, const unsigned char* in,
                        unsigned int in_length, void* self);

  SSL_CTX* const context_;
  const bool is_server_;
  const std::string alpn_;  // In the wire's form: length, name, length, name.
};

}  // namespace gateway

#endif  // BASE_NET_TLS_CONTEXT_H_
