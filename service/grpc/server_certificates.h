// ServerCertificates are what a server of gRPC C++ shows its clients, and may
// be exchanged while it runs: the library asks for them before each handshake.
//
//   auto certificates = std::make_shared<ServerCertificates>(tls);
//   builder.AddListeningPort(address, ReloadableCredentials(certificates));
//   ...
//   certificates->Set(renewed);
//
// Thread-safe.

#ifndef SERVICE_GRPC_SERVER_CERTIFICATES_H_
#define SERVICE_GRPC_SERVER_CERTIFICATES_H_

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "base/os/mutex.h"
#include "service/grpc/grpc_server.h"

namespace gateway {

class ServerCertificates {
 public:
  explicit ServerCertificates(GrpcServer::Tls tls);

  ServerCertificates(const ServerCertificates&) = delete;
  ServerCertificates& operator=(const ServerCertificates&) = delete;

  // Shows these from the next connection on. REQUIRES: they have a client CA if
  // the first ones had one.
  void Set(GrpcServer::Tls tls) LOCKS_EXCLUDED(mu_);

  bool asks_clients() const { return asks_clients_; }

  // Returns the certificates if they have not been taken yet, for the library
  // to own; null if they have.
  grpc_ssl_server_certificate_config* TakeNew() LOCKS_EXCLUDED(mu_);

 private:
  const bool asks_clients_;
  Mutex mu_;
  GrpcServer::Tls tls_ GUARDED_BY(mu_);
  bool taken_ GUARDED_BY(mu_) = false;
};

// Credentials that hold the certificates.
std::shared_ptr<grpc::ServerCredentials> ReloadableCredentials(
    std::shared_ptr<ServerCertificates> certificates);

}  // namespace gateway

#endif  // SERVICE_GRPC_SERVER_CERTIFICATES_H_
