#include "clients/cli/rpc_connection.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(RpcConnectionTest, CertificatesThatCannotBeReadAreNamed) {
  EXPECT_THAT(AdminConnection::Open(
                  {.address = "127.0.0.1:1", .ca_file = "no/such.pem"})
                  .status()
                  .ToString(),
              HasSubstr("no/such.pem"));
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
