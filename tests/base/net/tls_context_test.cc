#include "base/net/tls_context.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/net/tls_material.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TlsContextTest : public testing::Test {
 protected:
  // Two sessions talk to each other through memory, without a socket.
  // Says why the handshake failed, or "".
  std::string Shake(const TlsContext& client_context,
                    const TlsContext& server_context,
                    const std::string& name) {
    SSL* const client = *client_context.NewSession(-1, name);
    SSL* const server = *server_context.NewSession(-1, "");
    BIO* client_bio = nullptr;
    BIO* server_bio = nullptr;
    BIO_new_bio_pair(&client_bio, 0, &server_bio, 0);
    SSL_set_bio(client, client_bio, client_bio);
    SSL_set_bio(server, server_bio, server_bio);
    for (int i = 0; i < 10; ++i) {
      SSL_do_handshake(client);
      SSL_do_handshake(server);
    }
    std::string why;
    if (!SSL_is_init_finished(client) || !SSL_is_init_finished(server)) {
      const long verified = SSL_get_verify_result(client);
      why = verified == X509_V_OK ? "failed"
                                  : X509_verify_cert_error_string(verified);
    }
    version_ = SSL_version(client);
    names_ = server_context.NamesOfPeer(server);
    SSL_free(client);
    SSL_free(server);
    TakeTlsError("");
    return why;
  }

  static inline const TestCertificates certificates_;
  int version_ = 0;
  std::string names_;  // What the server calls the client.
};

TEST_F(TlsContextTest, SpeaksTheNewestVersion) {
  const auto server = ServerTls(certificates_.good());
  const auto client = ClientTls(certificates_);
  EXPECT_EQ(Shake(*client, *server, "localhost"), "");
  EXPECT_EQ(version_, TLS1_3_VERSION);
}

TEST_F(TlsContextTest, ChecksNamesAndAddresses) {
  const auto server = ServerTls(certificates_.good());
  const auto client = ClientTls(certificates_);
  for (const std::string name : {"localhost", "127.0.0.1", "::1"}) {
    EXPECT_EQ(Shake(*client, *server, name), "") << name;
  }
  for (const std::string name : {"other.test", "127.0.0.2", "a.localhost"}) {
    EXPECT_THAT(Shake(*client, *server, name), HasSubstr("mismatch")) << name;
  }
}

TEST_F(TlsContextTest, RefusesWhomItCannotTrust) {
  const auto client = ClientTls(certificates_);
  const auto refuse = [&](const TestCertificates::Pair& pair) {
    return Shake(*client, *ServerTls(pair), "localhost");
  };
  EXPECT_THAT(refuse(certificates_.expired()), HasSubstr("expired"));
  EXPECT_THAT(refuse(certificates_.not_yet_valid()), HasSubstr("not yet"));
  EXPECT_THAT(refuse(certificates_.wrong_name()), HasSubstr("mismatch"));
  EXPECT_THAT(refuse(certificates_.self_signed()), HasSubstr("self-signed"));
  const auto stranger = TlsContext::ForClient({});
  EXPECT_THAT(Shake(**stranger, *ServerTls(certificates_.good()), "localhost"),
              HasSubstr("issuer"));
}

TEST_F(TlsContextTest, WantsAClientsCertificateWhenTold) {
  TlsContext::ServerOptions options = ServerTlsOptions(certificates_.good());
  options.client_ca_pem = ReadPem(certificates_.ca_file());
  const auto server = TlsContext::ForServer(options);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(Shake(*ClientTls(certificates_), **server, "localhost"), "failed");
}

TEST_F(TlsContextTest, ShowsACertificateOfItsOwnAndTrustsTheGivenIssuers) {
  TlsContext::ServerOptions options = ServerTlsOptions(certificates_.good());
  options.client_ca_pem = ReadPem(certificates_.ca_file());
  const auto server = TlsContext::ForServer(options);
  ASSERT_TRUE(server.ok()) << server.status();
  TlsContext::ClientOptions own;
  own.ca_pem = ReadPem(certificates_.ca_file());
  own.certificate_chain_pem = ReadPem(certificates_.client().chain_file);
  own.private_key_pem = Secret(ReadPem(certificates_.client().key_file));
  const auto client = TlsContext::ForClient(own);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(Shake(**client, **server, "localhost"), "");
  own.ca_pem = ReadPem(certificates_.self_signed().chain_file);
  EXPECT_NE(Shake(**TlsContext::ForClient(own), **server, "localhost"), "");
  own.private_key_pem = Secret(ReadPem(certificates_.good().key_file));
  EXPECT_TRUE(absl::IsInvalidArgument(TlsContext::ForClient(own).status()));
  own.ca_pem = "no certificate";
  EXPECT_TRUE(absl::IsInvalidArgument(TlsContext::ForClient(own).status()));
}

TEST_F(TlsContextTest, NamesWhoShowsACertificate) {
  TlsContext::ServerOptions options = ServerTlsOptions(certificates_.good());
  options.client_ca_pem = ReadPem(certificates_.ca_file());
  int asked = 0;
  options.names_of_client = [&asked](const X509& certificate) {
    ++asked;
    return std::string(X509_get0_serialNumber(&certificate) == nullptr
                           ? "nobody"
                           : "somebody");
  };
  const auto server = TlsContext::ForServer(options);
  TlsContext::ClientOptions own;
  own.ca_pem = ReadPem(certificates_.ca_file());
  own.certificate_chain_pem = ReadPem(certificates_.client().chain_file);
  own.private_key_pem = Secret(ReadPem(certificates_.client().key_file));
  const auto client = TlsContext::ForClient(own);
  EXPECT_EQ(Shake(**client, **server, "localhost"), "");
  EXPECT_EQ(names_, "somebody");
  EXPECT_EQ(asked, 1);
  // Nobody is asked for one, and nobody asks what it says.
  options.client_ca_pem.clear();
  Shake(**client, **TlsContext::ForServer(options), "localhost");
  EXPECT_EQ(names_, "");
  options = ServerTlsOptions(certificates_.good());
  options.client_ca_pem = ReadPem(certificates_.ca_file());
  Shake(**client, **TlsContext::ForServer(options), "localhost");
  EXPECT_EQ(names_, "");
  EXPECT_EQ(asked, 1);
}

TEST_F(TlsContextTest, TrustsTheAuthoritiesThatAreGivenAndNoOthers) {
  const auto server = ServerTls(certificates_.good());
  const auto own =
      TlsContext::ForClient({.ca_pem = ReadPem(certificates_.ca_file())});
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(Shake(**own, *server, "localhost"), "");
  EXPECT_THAT(Shake(**own, *server, "other.test"), HasSubstr("mismatch"));
  const auto other = TlsContext::ForClient(
      {.ca_pem = ReadPem(certificates_.self_signed().chain_file)});
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_THAT(Shake(**other, *server, "localhost"), HasSubstr("issuer"));
  EXPECT_TRUE(absl::IsInvalidArgument(
      TlsContext::ForClient({.ca_pem = "no certificate"}).status()));
}

TEST_F(TlsContextTest, SaysWhatIsWrongWithItsFiles) {
  TlsContext::ClientOptions client;
  client.extra_ca_file = "/nowhere/ca.pem";
  const absl::Status missing = TlsContext::ForClient(client).status();
  EXPECT_TRUE(absl::IsInvalidArgument(missing)) << missing;
  EXPECT_THAT(std::string(missing.message()), HasSubstr("/nowhere/ca.pem"));

  TlsContext::ServerOptions options = ServerTlsOptions(certificates_.good());
  options.certificate_chain_pem = "no certificate";
  EXPECT_TRUE(
      absl::IsInvalidArgument(TlsContext::ForServer(options).status()));

  options = ServerTlsOptions(certificates_.good());
  options.private_key_pem = Secret("no key");
  const absl::Status no_key = TlsContext::ForServer(options).status();
  EXPECT_TRUE(absl::IsInvalidArgument(no_key)) << no_key;
  EXPECT_THAT(std::string(no_key.message()), Not(HasSubstr("no key")));

  options = ServerTlsOptions(certificates_.good());
  options.private_key_pem =
      Secret(ReadPem(certificates_.expired().key_file));
  EXPECT_TRUE(absl::IsInvalidArgument(TlsContext::ForServer(options).status()))
      << "the key of another";

  options = ServerTlsOptions(certificates_.good());
  options.client_ca_pem = "no certificate";
  EXPECT_TRUE(
      absl::IsInvalidArgument(TlsContext::ForServer(options).status()));
}

}  // namespace
}  // namespace gateway
