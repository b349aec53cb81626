#include "base/net/tls_context.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>

#include <cassert>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/net/tls_material.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

std::string WireAlpn(const std::vector<std::string>& names) {
  std::string wire;
  for (const std::string& name : names) {
    wire.push_back(static_cast<char>(name.size()));
    wire += name;
  }
  return wire;
}

// Puts what the material is of before an error.
absl::Status OfMaterial(std::string_view what, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(ToAbsl(what), ": ", status.message()));
}

absl::Status UseOwnCertificate(SSL_CTX* context, std::string_view chain,
                               const Secret& key) {
  GATEWAY_RETURN_IF_ERROR(
      OfMaterial("certificate chain", UseCertificateChain(context, chain)));
  return OfMaterial("private key", UsePrivateKey(context, key));
}

bool IsIpAddress(const std::string& name) {
  in6_addr address;
  return inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

void SetCommonOptions(SSL_CTX* context) {
  // Ignores SIGPIPE: OpenSSL writes to sockets without MSG_NOSIGNAL, and a peer
  // that has left must not end the process.
  static const bool ignored = signal(SIGPIPE, SIG_IGN) != SIG_ERR;
  assert(ignored);
  static_cast<void>(ignored);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Idle connections hold no buffers; a write that was cut short may be
  // repeated from another address.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS |
                                SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}

}  // namespace

absl::StatusOr<std::shared_ptr<TlsContext>> TlsContext::ForClient(
    const ClientOptions& options) {
  SSL_CTX* const ssl_context = SSL_CTX_new(TLS_client_method());
  if (ssl_context == nullptr) {
    return absl::InternalError(TakeTlsError("SSL_CTX_new"));
  }
  std::shared_ptr<TlsContext> context(
      new TlsContext(ssl_context, /*is_server=*/false, WireAlpn(options.alpn)));
  SetCommonOptions(ssl_context);
  SSL_CTX_set_verify(ssl_context, SSL_VERIFY_PEER, nullptr);
  if (!options.ca_pem.empty()) {
    GATEWAY_RETURN_IF_ERROR(
        OfMaterial("CA", TrustServerIssuers(ssl_context, options.ca_pem)));
  } else if (SSL_CTX_set_default_verify_paths(ssl_context) != 1) {
    return absl::InternalError(TakeTlsError("no system CA bundle"));
  }
  if (!options.extra_ca_file.empty()) {
    GATEWAY_RETURN_IF_ERROR(
        OfMaterial(absl::StrCat("CA file '", options.extra_ca_file, "'"),
                   TrustCaFile(ssl_context, options.extra_ca_file)));
  }
  if (!options.certificate_chain_pem.empty()) {
    GATEWAY_RETURN_IF_ERROR(UseOwnCertificate(
        ssl_context, options.certificate_chain_pem, options.private_key_pem));
  }
  return context;
}

absl::StatusOr<std::shared_ptr<TlsContext>> TlsContext::ForServer(
    const ServerOptions& options) {
  SSL_CTX* const ssl_context = SSL_CTX_new(TLS_server_method());
  if (ssl_context == nullptr) {
    return absl::InternalError(TakeTlsError("SSL_CTX_new"));
  }
  std::shared_ptr<TlsContext> context(
      new TlsContext(ssl_context, /*is_server=*/true, WireAlpn(options.alpn)));
  SetCommonOptions(ssl_context);
  GATEWAY_RETURN_IF_ERROR(UseOwnCertificate(
      ssl_context, options.certificate_chain_pem, options.private_key_pem));
  if (!options.client_ca_pem.empty()) {
    GATEWAY_RETURN_IF_ERROR(OfMaterial(
        "client CA", TrustClientIssuers(ssl_context, options.client_ca_pem)));
    SSL_CTX_set_verify(ssl_context,
                       SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       nullptr);
  }
  context->names_of_client_ = options.names_of_client;
  SSL_CTX_set_session_id_context(
      ssl_context, reinterpret_cast<const unsigned char*>("llm-gateway"), 11);
  if (!options.alpn.empty()) {
    SSL_CTX_set_alpn_select_cb(ssl_context, &TlsContext::SelectAlpn,
                               context.get());
  }
  return context;
}

TlsContext::TlsContext(SSL_CTX* context, bool is_server, std::string alpn)
    : context_(context), is_server_(is_server), alpn_(std::move(alpn)) {}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

absl::StatusOr<SSL*> TlsContext::NewSession(
    int fd, const std::string& peer_name) const {
  SSL* const ssl = SSL_new(context_);
  if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1) {
    SSL_free(ssl);
    return absl::InternalError(TakeTlsError("SSL_new"));
  }
  if (is_server_) {
    SSL_set_accept_state(ssl);
    return ssl;
  }
  SSL_set_connect_state(ssl);
  X509_VERIFY_PARAM* const verify = SSL_get0_param(ssl);
  bool named;
  if (IsIpAddress(peer_name)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(verify, peer_name.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(verify,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    named = X509_VERIFY_PARAM_set1_host(verify, peer_name.data(),
                                        peer_name.size()) == 1 &&
            SSL_set_tlsext_host_name(ssl, peer_name.c_str()) == 1;
  }
  if (named && !alpn_.empty()) {
    // SSL_set_alpn_protos, unlike the others, returns zero for success.
    named = SSL_set_alpn_protos(
                ssl, reinterpret_cast<const unsigned char*>(alpn_.data()),
                alpn_.size()) == 0;
  }
  if (!named) {
    SSL_free(ssl);
    return absl::InvalidArgumentError(absl::StrCat(
        "TLS to '", peer_name, "': ", TakeTlsError("cannot be set up")));
  }
  return ssl;
}

std::string TlsContext::NamesOfPeer(const SSL* ssl) const {
  if (names_of_client_ == nullptr) return {};
  const X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return {};
  return names_of_client_(*certificate);
}

int TlsContext::SelectAlpn(SSL*, const unsigned char** out,
                           unsigned char* out_length, const unsigned char* in,
                           unsigned int in_length, void* self) {
  const std::string& ours = static_cast<TlsContext*>(self)->alpn_;
  unsigned char* selected = nullptr;
  const int result = SSL_select_next_proto(
      &selected, out_length,
      reinterpret_cast<const unsigned char*>(ours.data()), ours.size(), in,
      in_length);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace gateway
