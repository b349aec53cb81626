#include "clients/cli/rpc_connection.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/test_certificates.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What is wrong with the files of a connection, or OK.
std::string TlsProblemOf(const TlsFiles& tls) {
  const absl::Status opened =
      AdminConnection::Open({.address = "127.0.0.1:1", .tls = tls}).status();
  return opened.ok() ? "OK" : std::string(opened.message());
}

TEST(RpcConnectionTest, CertificatesThatCannotBeReadAreNamed) {
  EXPECT_THAT(TlsProblemOf({.ca = "no/such.pem"}), HasSubstr("no/such.pem"));
}

TEST(RpcConnectionTest, ACertificateIsShownWithItsKeyAndOverTlsAlone) {
  const TestCertificates ours;
  const TestCertificates others;
  const std::string& ca = ours.ca_file();
  const auto& [cert, key] = ours.client();
  const std::string another = others.client().key_file;
  EXPECT_EQ(TlsProblemOf({.ca = ca, .cert = cert, .key = key}), "OK");
  EXPECT_THAT(TlsProblemOf({.cert = cert, .key = key}), HasSubstr("--ca_file"));
  EXPECT_THAT(TlsProblemOf({.ca = ca, .cert = cert}),
              HasSubstr("--key_file is not said"));
  EXPECT_THAT(TlsProblemOf({.ca = ca, .key = key}),
              HasSubstr("--cert_file is not said"));
  EXPECT_THAT(TlsProblemOf({.ca = ca, .cert = "no/such.pem", .key = key}),
              HasSubstr("no/such.pem"));
  // Which one is wrong.
  EXPECT_THAT(TlsProblemOf({.ca = ca, .cert = key, .key = key}),
              HasSubstr(key + ": holds a private key"));
  EXPECT_THAT(TlsProblemOf({.ca = ca, .cert = cert, .key = another}),
              HasSubstr(another + ": is not the key"));
}

TEST(RpcConnectionTest, AKeyThatNoHeaderMayHaveIsToldByItsVariable) {
  for (const std::string key :
       {"abc\r", "abc\n", "a\tb", "caf\xc3\xa9", "abc\x7f"}) {
    const absl::Status opened =
        AdminConnection::Open({.address = "127.0.0.1:1",
                               .key = key,
                               .key_variable = "PROD_OPERATOR_KEY"})
            .status();
    EXPECT_TRUE(absl::IsInvalidArgument(opened)) << opened;
    EXPECT_THAT(opened.ToString(), HasSubstr("$PROD_OPERATOR_KEY"));
    EXPECT_THAT(opened.ToString(), Not(HasSubstr(key)));
  }
  EXPECT_TRUE(
      AdminConnection::Open({.address = "127.0.0.1:1", .key = "~ a!"}).ok());
}

TEST(RpcConnectionTest, WhatWasCancelledForGoodBeginsNoMore) {
  const auto admin = AdminConnection::Open({.address = "127.0.0.1:1"});
  ASSERT_TRUE(admin.ok());
  RunningCall running;
  EXPECT_FALSE(running.Cancel());
  running.CancelForGood();
  const auto go_on = [](const llmgateway::v1::WatchConfigResponse&) {
    return true;
  };
  const absl::Status ended =
      admin->StreamWhile<llmgateway::v1::WatchConfigRequest,
                         llmgateway::v1::WatchConfigResponse>(
          &llmgateway::v1::AdminService::Stub::WatchConfig, {}, go_on,
          &running);
  EXPECT_TRUE(absl::IsCancelled(ended)) << ended;
}

TEST(RpcConnectionTest, AnErrorNamesTheGateway) {
  const auto admin = AdminConnection::Open({.address = "127.0.0.1:1"});
  ASSERT_TRUE(admin.ok());
  const auto key = admin->Call(&llmgateway::v1::AdminService::Stub::GetKey,
                               llmgateway::v1::GetKeyRequest());
  EXPECT_EQ(key.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(key.status().ToString(), HasSubstr("127.0.0.1:1"));
}

}  // namespace
}  // namespace gateway
