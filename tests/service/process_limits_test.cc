#include "service/process_limits.h"

#include "base/net/connection_quota.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;

TEST(ProcessLimitsTest, TheOperatorsHttpListenerHasDescriptorsOfItsOwn) {
  GatewayConfig config;
  EXPECT_EQ(DescriptorsBesideAdminHttp(config, 1024), 1024u);
  config.mutable_listeners()->mutable_admin_http();
  EXPECT_EQ(DescriptorsBesideAdminHttp(config, 1024),
            1024 - ConnectionQuota::OperatorsShareOf(1024));
}

TEST(ProcessLimitsTest, TheLargestMessageFindsRoom) {
  GatewayConfig config;
  config.mutable_runtime()->set_request_buffer_bytes_limit(1000);
  config.mutable_listeners()->mutable_grpc()->set_receive_message_bytes_limit(
      500);
  EXPECT_EQ(RequestBytesLimit(config), 1000u);
  config.mutable_listeners()->mutable_admin()->set_receive_message_bytes_limit(
      501);
  EXPECT_EQ(RequestBytesLimit(config), 1002u);
}

}  // namespace
}  // namespace gateway
