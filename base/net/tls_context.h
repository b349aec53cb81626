// TlsContext holds what TLS connections of one kind share: trusted issuers or
// the server's own certificate, protocol versions, session cache. TLS 1.2 and
// later; the peer of a client is always verified, by name.
//
// Thread contract: immutable after creation; may be shared by all loops.

#ifndef BASE_NET_TLS_CONTEXT_H_
#define BASE_NET_TLS_CONTEXT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/secret.h"

typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;
typedef struct x509_st X509;

namespace gateway {

class TlsContext {
 public:
  struct ClientOptions {
    // A PEM file trusted in addition to the system's bundle; may be empty.
    std::string extra_ca_file;
    // PEM. If not empty, servers must show a certificate that one of these
    // issued; nobody else is trusted.
    std::string ca_pem;
    // PEM. What the client shows a server that asks for it, its own certificate
    // first; none if empty.
    std::string certificate_chain_pem;
    Secret private_key_pem{""};
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
    // If set, called on the loop with the verified certificate of each client
    // that shows one; what it returns is Stream::peer_names() from then on.
    std::function<std::string(const X509&)> names_of_client;
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

  // What ServerOptions::names_of_client says of the peer; empty without it or
  // without a certificate. REQUIRES: the handshake is done.
  std::string NamesOfPeer(const SSL* ssl) const;

 private:
  TlsContext(SSL_CTX* context, bool is_server, std::string alpn);

  static int SelectAlpn(SSL* ssl, const unsigned char** out,
                        unsigned char* out_length, const unsigned char* in,
                        unsigned int in_length, void* self);

  SSL_CTX* const context_;
  const bool is_server_;
  const std::string alpn_;  // In the wire's form: length, name, length, name.
  std::function<std::string(const X509&)> names_of_client_;
};

}  // namespace gateway

#endif  // BASE_NET_TLS_CONTEXT_H_
