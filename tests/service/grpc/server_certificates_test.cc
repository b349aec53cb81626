#include "service/grpc/server_certificates.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <memory>

#include "base/secret.h"
#include "gtest/gtest.h"
#include "service/grpc/grpc_server.h"

namespace gateway {
namespace {

GrpcServer::Tls Tls(const char* client_ca) {
  return {.cert_chain = "chain",
          .private_key = Secret("key"),
          .client_ca = client_ca};
}

// Returns whether there was something to take.
bool Takes(ServerCertificates& certificates) {
  grpc_ssl_server_certificate_config* const taken = certificates.TakeNew();
  if (taken == nullptr) return false;
  grpc_ssl_server_certificate_config_destroy(taken);
  return true;
}

TEST(ServerCertificatesTest, AreTakenOnceUntilThereAreOthers) {
  ServerCertificates certificates(Tls(""));
  EXPECT_TRUE(Takes(certificates));
  EXPECT_FALSE(Takes(certificates));
  certificates.Set(Tls(""));
  EXPECT_TRUE(Takes(certificates));
  EXPECT_FALSE(Takes(certificates));
}

TEST(ServerCertificatesTest, ClientsAreAskedWhereThereIsAnAuthority) {
  EXPECT_FALSE(ServerCertificates(Tls("")).asks_clients());
  EXPECT_TRUE(ServerCertificates(Tls("authority")).asks_clients());
}

TEST(ServerCertificatesTest, CredentialsHoldThem) {
  grpc_init();
  auto certificates = std::make_shared<ServerCertificates>(Tls(""));
  {
    const auto credentials = ReloadableCredentials(certificates);
    EXPECT_EQ(certificates.use_count(), 2);
  }
  EXPECT_EQ(certificates.use_count(), 1);
  grpc_shutdown();
}

}  // namespace
}  // namespace gateway
