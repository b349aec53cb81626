#include "service/grpc/server_certificates.h"

#include <grpc/grpc.h>

#include <string>
#include <utility>

namespace gateway {
namespace {

grpc_ssl_certificate_config_reload_status Fetch(
    void* certificates, grpc_ssl_server_certificate_config** config) {
  *config = static_cast<ServerCertificates*>(certificates)->TakeNew();
  return *config == nullptr ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED
                            : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

// The library's C++ has no such credentials, its C has.
class ReloadingCredentials final : public grpc::ServerCredentials {
 public:
  explicit ReloadingCredentials(
      std::shared_ptr<ServerCertificates> certificates)
      : certificates_(std::move(certificates)),
        credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                certificates_->asks_clients()
                    ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                    : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
                Fetch, certificates_.get()))) {}
  ~ReloadingCredentials() override {
    grpc_server_credentials_release(credentials_);
  }

  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address,
                      grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  const std::shared_ptr<ServerCertificates> certificates_;
  grpc_server_credentials* const credentials_;
};

}  // namespace

ServerCertificates::ServerCertificates(GrpcServer::Tls tls)
    : asks_clients_(!tls.client_ca.empty()), tls_(std::move(tls)) {}

void ServerCertificates::Set(GrpcServer::Tls tls) {
  MutexLock lock(mu_);
  tls_ = std::move(tls);
  taken_ = false;
}

grpc_ssl_server_certificate_config* ServerCertificates::TakeNew() {
  MutexLock lock(mu_);
  if (std::exchange(taken_, true)) return nullptr;
  const std::string key(tls_.private_key.Reveal());
  const grpc_ssl_pem_key_cert_pair pair = {key.c_str(),
                                           tls_.cert_chain.c_str()};
  // The library wants authorities in any case; where clients are not asked for
  // certificates, they serve for nothing.
  const std::string& authorities =
      asks_clients_ ? tls_.client_ca : tls_.cert_chain;
  return grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair,
                                                   1);
}

std::shared_ptr<grpc::ServerCredentials> ReloadableCredentials(
    std::shared_ptr<ServerCertificates> certificates) {
  return std::make_shared<ReloadingCredentials>(std::move(certificates));
}

}  // namespace gateway
