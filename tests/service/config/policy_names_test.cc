#include "service/config/policy_names.h"

#include "gtest/gtest.h"
#include "llmgateway/config/v1/alerts.pb.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "llmgateway/config/v1/selection.pb.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

const google::protobuf::Descriptor& Policy() {
  return *configv1::ModelPolicy::descriptor();
}
const google::protobuf::Descriptor& Node() {
  return *configv1::NodeRequirement::descriptor();
}
const google::protobuf::FieldDescriptor& FieldOf(
    const google::protobuf::Descriptor& type, const char* name) {
  return *type.FindFieldByName(name);
}

TEST(PolicyNamesTest, OtherNamesStandForFieldsThatAreThere) {
  EXPECT_EQ(FieldOfOtherName(Policy(), "provider"), "target.provider");
  EXPECT_EQ(FieldOfOtherName(Policy(), "provider_model_id"), "target.model");
  EXPECT_EQ(FieldOfOtherName(Policy(), "context_window"),
            "context_window_tokens");
  EXPECT_EQ(FieldOfOtherName(Node(), "min_context_window"),
            "context_window_tokens_min");
  EXPECT_EQ(FieldOfOtherName(Node(), "max_cost_tier"), "cost_tier_max");
  EXPECT_EQ(FieldOfOtherName(Node(), "provider"), "");
  EXPECT_EQ(
      FieldOfOtherName(*configv1::RoutingConfig::descriptor(), "provider"), "");
  EXPECT_EQ(FieldOfOtherName(*configv1::AlertsConfig::descriptor(), "alerts"),
            "rules");
  for (const char* field : {"context_window_tokens", "target"}) {
    EXPECT_NE(Policy().FindFieldByName(field), nullptr);
  }
  for (const char* field : {"context_window_tokens_min", "cost_tier_max"}) {
    EXPECT_NE(Node().FindFieldByName(field), nullptr);
  }
}

TEST(PolicyNamesTest, PoliciesAndNodesMayBeKeyed) {
  const google::protobuf::Descriptor& selection =
      *configv1::SelectionConfig::descriptor();
  EXPECT_EQ(KeyFieldOf(FieldOf(selection, "policies")), "id");
  EXPECT_EQ(KeyFieldOf(FieldOf(selection, "nodes")), "name");
  EXPECT_EQ(KeyFieldOf(FieldOf(selection, "files")), "");
  EXPECT_EQ(KeyFieldOf(
                FieldOf(*configv1::RoutingConfig::descriptor(), "model_rules")),
            "");
  EXPECT_TRUE(MayBeFlags(FieldOf(Policy(), "capabilities")));
  EXPECT_FALSE(MayBeFlags(FieldOf(Policy(), "fallback_models")));
  EXPECT_FALSE(MayBeFlags(FieldOf(Node(), "required_capabilities")));
}

TEST(PolicyNamesTest, CostTiersMayBeUpperCase) {
  EXPECT_TRUE(MayBeUpperCase(*configv1::CostTier_descriptor()));
  EXPECT_FALSE(MayBeUpperCase(*configv1::SelectionStrategy_descriptor()));
}

}  // namespace
}  // namespace gateway
