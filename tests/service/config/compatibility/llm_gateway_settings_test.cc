#include "service/config/compatibility/llm_gateway_settings.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"
#include "tests/service/config/compatibility/llm_gateway_file.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
class LlmGatewaySettingsTest : public LlmGatewayFileTest {};

TEST_F(LlmGatewaySettingsTest, PricesAreTakenAsTheyAreWritten) {
  const GatewayConfig& config = Load(absl::StrReplaceAll(
      LlmGatewayFile("", ""),
      {{"  routing:",
        "  costTracking: {pricingOverrides: {m: {inputPerMillion: 3.0,\n"
        "    outputPerMillion: 15, cacheWritePerMillion: 3.75,\n"
        "    cacheReadPerMillion: null}}},\n  routing:"}}));
  ASSERT_TRUE(problems_.empty());
  ASSERT_EQ(config.prices().models_size(), 1);
  EXPECT_EQ(config.prices().models(0).model(), "m");
  EXPECT_EQ(config.prices().models(0).input(), "3.0");
  EXPECT_EQ(config.prices().models(0).output(), "15");
  EXPECT_EQ(config.prices().models(0).cache_write(), "3.75");
  EXPECT_EQ(config.prices().models(0).cached_input(), "");
}

TEST_F(LlmGatewaySettingsTest, ItsClientsReadTheCostInTheAnswer) {
  EXPECT_TRUE(
      Load(LlmGatewayFile("", "")).listeners().http().messages_details());
}

TEST_F(LlmGatewaySettingsTest, ItsPortsAreFreeOnes) {
  const auto& listeners = Load(LlmGatewayFile("", "")).listeners();
  EXPECT_EQ(listeners.http().address(), "127.0.0.1:0");
  EXPECT_EQ(listeners.grpc().address(), "127.0.0.1:0");
  EXPECT_EQ(listeners.admin().address(), "127.0.0.1:0");
  EXPECT_EQ(listeners.operations().address(), "127.0.0.1:0");
  EXPECT_FALSE(listeners.has_admin_http());
}

TEST_F(LlmGatewaySettingsTest, TheSwitchOfTheGatewayIsThatOfTheRollout) {
  const std::string text = LlmGatewayFile("", "");
  EXPECT_FALSE(Load(text).routing().rollout().has_enabled());
  EXPECT_FALSE(Load(absl::StrCat("gatewayEnabled: false\n", text))
                   .routing()
                   .rollout()
                   .enabled());
  EXPECT_TRUE(loaded_.config.routing().rollout().has_enabled());
}

TEST_F(LlmGatewaySettingsTest, AnAuditLogIsWhereItWasAndKeepsBodies) {
  const std::string text =
      LlmGatewayFile("", "defaultProvider: azure}, audit: {");
  const auto& audit = Load(text).audit();
  ASSERT_TRUE(problems_.empty());
  EXPECT_EQ(audit.file(), "~/.cco/audit.db");
  ASSERT_EQ(audit.bodies_size(), 1);
  EXPECT_TRUE(audit.bodies(0).request());
  EXPECT_TRUE(audit.bodies(0).response());
}

TEST_F(LlmGatewaySettingsTest, AnAuditLogIsAsItSays) {
  const std::string text =
      LlmGatewayFile("", "defaultProvider: azure}, audit: {");
  const GatewayConfig& config = Load(absl::StrReplaceAll(
      text, {{"audit: {",
              "audit: {logRequestBodies: false, logResponseBodies: false, "
              "retentionDays: 7, dbPath: /var/a.db"}}));
  ASSERT_TRUE(problems_.empty());
  EXPECT_EQ(config.audit().file(), "/var/a.db");
  EXPECT_EQ(config.audit().retention_days(), 7);
  EXPECT_EQ(config.audit().bodies_size(), 0);
  EXPECT_FALSE(
      Load(absl::StrReplaceAll(text, {{"audit: {", "audit: {enabled: false"}}))
          .has_audit());
}

}  // namespace
}  // namespace gateway
