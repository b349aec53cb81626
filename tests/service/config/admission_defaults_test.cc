#include "service/config/admission_defaults.h"

#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "llmgateway/config/v1/rate_limits.pb.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

TEST(AdmissionDefaultsTest, SectionsThatAreNotThereStayAway) {
  configv1::GatewayConfig config;
  FillAdmission(&config);
  EXPECT_FALSE(config.has_overload());
  EXPECT_FALSE(config.has_cms());
  EXPECT_FALSE(config.has_cache());
  EXPECT_FALSE(config.has_idempotency());
  EXPECT_FALSE(config.has_coalescing());
  EXPECT_FALSE(config.has_resumable_streams());
  EXPECT_FALSE(config.has_sessions());
  EXPECT_FALSE(config.has_redis());
  EXPECT_FALSE(config.auth().callers().has_issued_keys());
}

TEST(AdmissionDefaultsTest, ThoseThatAreThereAreFilled) {
  configv1::GatewayConfig config;
  config.mutable_overload()->mutable_concurrency()->set_calls_limit(50);
  config.mutable_overload()->mutable_memory();
  config.mutable_cache();
  config.mutable_redis()->add_addresses("redis:6379");
  config.mutable_auth()->mutable_callers()->mutable_issued_keys();
  FillAdmission(&config);
  EXPECT_EQ(config.overload().concurrency().wait_timeout().seconds(), 5);
  EXPECT_EQ(config.overload().memory().soft_percent(), 80);
  EXPECT_EQ(config.cache().scope(), configv1::CacheConfig::SCOPE_CALLER);
  EXPECT_EQ(config.cache().ignored_fields(0), "user");
  EXPECT_EQ(config.redis().timeout().nanos(), 20'000'000);
  EXPECT_EQ(config.auth().callers().issued_keys().keys_limit(), 100'000);
}

TEST(AdmissionDefaultsTest, ALimitMayBeTakenAtOnce) {
  configv1::GatewayConfig config;
  configv1::RateLimit& limit = *config.add_rate_limits();
  limit.set_unit(configv1::LIMIT_UNIT_REQUESTS);
  limit.set_limit(60);
  FillAdmission(&config);
  EXPECT_EQ(limit.burst(), 60);
  EXPECT_EQ(limit.window().seconds(), 60);
  EXPECT_EQ(limit.mode(), configv1::RateLimit::MODE_ENFORCE);
}

TEST(AdmissionDefaultsTest, ALimitOfAKeyIsFilledByItself) {
  configv1::KeyLimit limit;
  limit.set_unit(configv1::LIMIT_UNIT_TOTAL_TOKENS);
  limit.set_limit(1000);
  FillKeyLimit(&limit);
  EXPECT_EQ(limit.burst(), 1000);
  EXPECT_EQ(limit.window().seconds(), 60);
}

TEST(AdmissionDefaultsTest, CallersHaveAPriorityAndOperatorsHaveNone) {
  configv1::GatewayConfig config;
  auto& auth = *config.mutable_auth();
  for (auto* methods : {auth.mutable_callers(), auth.mutable_operators()}) {
    methods->add_api_keys();
    methods->add_jwt_issuers();
    methods->mutable_client_certificates();
  }
  auth.mutable_callers()->add_api_keys()->set_priority(configv1::PRIORITY_HIGH);
  FillAdmission(&config);
  const auto& callers = auth.callers();
  EXPECT_EQ(callers.api_keys(0).priority(), configv1::PRIORITY_NORMAL);
  EXPECT_EQ(callers.api_keys(1).priority(), configv1::PRIORITY_HIGH);
  EXPECT_EQ(callers.jwt_issuers(0).grants().priority(),
            configv1::PRIORITY_NORMAL);
  EXPECT_EQ(callers.client_certificates().grants().priority(),
            configv1::PRIORITY_NORMAL);
  const auto& operators = auth.operators();
  EXPECT_EQ(operators.api_keys(0).priority(), configv1::PRIORITY_UNSPECIFIED);
  EXPECT_EQ(operators.jwt_issuers(0).grants().priority(),
            configv1::PRIORITY_UNSPECIFIED);
  EXPECT_EQ(operators.client_certificates().grants().priority(),
            configv1::PRIORITY_UNSPECIFIED);
}

TEST(AdmissionDefaultsTest, CallsAtOnceHaveNoWindow) {
  configv1::GatewayConfig config;
  configv1::RateLimit& limit = *config.add_rate_limits();
  limit.set_unit(configv1::LIMIT_UNIT_CONCURRENT_CALLS);
  limit.set_limit(5);
  FillAdmission(&config);
  EXPECT_FALSE(limit.has_window());
  EXPECT_FALSE(limit.has_burst());
}

}  // namespace
}  // namespace gateway
