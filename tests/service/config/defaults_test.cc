#include "service/config/defaults.h"

#include <string>

#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/registry/all_providers.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ApiKey;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::GrpcListener;

void Fill(GatewayConfig* config) { ApplyDefaults(AllProviderKinds(), config); }

TEST(DefaultsTest, FillWhatIsLeftOut) {
  GatewayConfig config;
  Fill(&config);
  EXPECT_EQ(config.listeners().grpc().address(), "127.0.0.1:50051");
  EXPECT_EQ(config.listeners().http().address(), "127.0.0.1:8080");
  EXPECT_EQ(config.listeners().admin().address(), "127.0.0.1:50052");
  EXPECT_EQ(config.listeners().operations().address(), "127.0.0.1:9464");
  EXPECT_FALSE(config.listeners().has_admin_http());
  config.mutable_listeners()->mutable_admin_http();
  Fill(&config);
  EXPECT_EQ(config.listeners().admin_http().address(), "127.0.0.1:50053");
  EXPECT_GT(config.listeners().admin_http().body_bytes_limit(), 0);
  EXPECT_EQ(config.resilience().retry().attempts_limit(), 3);
  EXPECT_FALSE(config.auth().insecure_allow_anonymous());
  EXPECT_TRUE(config.logging().access_log());
  EXPECT_EQ(config.logging().format(), llmgateway::config::v1::LOG_FORMAT_JSON);
  EXPECT_FALSE(config.logging().has_rotation());
  EXPECT_EQ(config.providers_size(), 0);
}

TEST(DefaultsTest, CallersAndOperatorsMeetTheNativeEngine) {
  GatewayConfig config;
  Fill(&config);
  for (const GrpcListener* listener :
       {&config.listeners().grpc(), &config.listeners().admin()}) {
    EXPECT_EQ(listener->engine(), GrpcListener::ENGINE_NATIVE);
    EXPECT_EQ(listener->receive_message_bytes_limit(), 4 << 20);
    EXPECT_EQ(listener->metadata_bytes_limit(), 16 << 10);
    EXPECT_EQ(listener->concurrent_streams_limit(), 1024);
    EXPECT_EQ(listener->stream_window_bytes_limit(), 64 << 10);
    EXPECT_EQ(listener->connections_limit(), 16384);
    EXPECT_EQ(listener->handshake_timeout().seconds(), 10);
    EXPECT_EQ(listener->request_timeout().seconds(), 60);
    EXPECT_EQ(listener->write_stall_timeout().seconds(), 60);
    EXPECT_EQ(listener->keepalive_time().seconds(), 120);
    EXPECT_EQ(listener->keepalive_timeout().seconds(), 20);
    EXPECT_EQ(listener->connection_idle_limit().seconds(), 15 * 60);
    EXPECT_EQ(listener->connection_age_grace().seconds(), 15 * 60);
    EXPECT_EQ(listener->request_buffer_bytes_limit(), 128 << 20);
  }
  EXPECT_EQ(config.listeners().grpc().connection_age_limit().seconds(),
            30 * 60);
  // Who watches is not cut off.
  EXPECT_FALSE(config.listeners().admin().has_connection_age_limit());
}

TEST(DefaultsTest, EitherEngineMayServeEitherListener) {
  GatewayConfig config;
  auto* const listeners = config.mutable_listeners();
  listeners->mutable_grpc()->set_engine(GrpcListener::ENGINE_GRPC_CORE);
  listeners->mutable_admin()->set_engine(GrpcListener::ENGINE_GRPC_CORE);
  Fill(&config);
  EXPECT_EQ(config.listeners().grpc().engine(),
            GrpcListener::ENGINE_GRPC_CORE);
  EXPECT_EQ(config.listeners().admin().engine(),
            GrpcListener::ENGINE_GRPC_CORE);
}

TEST(DefaultsTest, KeepWhatIsGivenEvenIfItIsZero) {
  GatewayConfig config;
  config.mutable_listeners()->mutable_http()->set_address("[::1]:0");
  config.mutable_logging()->set_access_log(false);
  config.mutable_runtime()->mutable_drain_grace();
  auto* mock = config.add_providers()->mutable_mock();
  mock->set_output_tokens(0);
  Fill(&config);
  EXPECT_EQ(config.listeners().http().address(), "[::1]:0");
  EXPECT_FALSE(config.logging().access_log());
  EXPECT_EQ(config.runtime().drain_grace().seconds(), 0);
  EXPECT_EQ(config.providers(0).mock().output_tokens(), 0);
}

TEST(DefaultsTest, AreAppliedOnceAndForAll) {
  GatewayConfig config;
  config.add_providers()->mutable_openai();
  config.mutable_providers(0)->set_name("openai");
  config.add_providers()->mutable_anthropic();
  config.add_providers()->mutable_mock();
  Fill(&config);
  const std::string once = config.DebugString();
  Fill(&config);
  EXPECT_EQ(config.DebugString(), once);
}

TEST(DefaultsTest, ShippedRulesAreThoseWhoseProviderIsConfigured) {
  GatewayConfig config;
  config.add_providers()->set_name("anthropic");
  config.mutable_providers(0)->mutable_anthropic();
  Fill(&config);
  ASSERT_EQ(config.routing().model_rules_size(), 1);
  EXPECT_EQ(config.routing().model_rules(0).prefix(), "claude-");
  EXPECT_EQ(config.routing().model_rules(0).targets(0).provider(),
            "anthropic");
}

TEST(DefaultsTest, ConfiguredRulesReplaceTheShippedOnes) {
  GatewayConfig config;
  config.add_providers()->set_name("openai");
  config.mutable_routing()->add_model_rules()->set_exact("x");
  Fill(&config);
  ASSERT_EQ(config.routing().model_rules_size(), 1);
  EXPECT_EQ(config.routing().model_rules(0).exact(), "x");
}

TEST(DefaultsTest, AnswersAreAsLargeAsTheCommonLimitUnlessToldOtherwise) {
  GatewayConfig config;
  config.mutable_limits()->set_response_bytes_limit(5000);
  config.add_providers()->mutable_openai();
  config.add_providers()
      ->mutable_anthropic()
      ->mutable_http()
      ->set_response_bytes_limit(6000);
  Fill(&config);
  EXPECT_EQ(config.providers(0).openai().http().response_bytes_limit(), 5000);
  EXPECT_EQ(config.providers(1).anthropic().http().response_bytes_limit(),
            6000);
}

TEST(DefaultsTest, KeysAreActive) {
  GatewayConfig config;
  config.mutable_auth()->mutable_callers()->add_api_keys();
  config.mutable_auth()->mutable_operators()->add_api_keys()->set_state(
      ApiKey::STATE_DISABLED);
  Fill(&config);
  EXPECT_EQ(config.auth().callers().api_keys(0).state(), ApiKey::STATE_ACTIVE);
  EXPECT_EQ(config.auth().operators().api_keys(0).state(),
            ApiKey::STATE_DISABLED);
}

TEST(DefaultsTest, AMockListsAModelThatIsRecognisablyAMock) {
  GatewayConfig config;
  config.add_providers()->mutable_mock();
  Fill(&config);
  ASSERT_EQ(config.providers(0).models_size(), 1);
  EXPECT_NE(config.providers(0).models(0).find("mock"), std::string::npos);
}

TEST(DefaultsTest, AlertsHaveTheirTimes) {
  GatewayConfig config;
  Fill(&config);
  EXPECT_FALSE(config.has_alerts());
  config.mutable_alerts()->add_rules();
  config.mutable_alerts()->add_actions()->mutable_webhook();
  config.mutable_alerts()->add_actions()->mutable_log();
  Fill(&config);
  const auto& alerts = config.alerts();
  EXPECT_EQ(alerts.interval().seconds(), 15);
  EXPECT_EQ(alerts.rules(0).window().seconds(), 300);
  EXPECT_EQ(alerts.rules(0).calls_min(), 10);
  EXPECT_EQ(alerts.actions(0).webhook().timeout().seconds(), 5);
  EXPECT_TRUE(alerts.actions(1).has_log());
}

}  // namespace
}  // namespace gateway
