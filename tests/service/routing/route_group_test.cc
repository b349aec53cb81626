#include "service/routing/route_group.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "service/routing/target_health.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// `a` and `b` are ready, `keyless` lacks its credential; `busy` ones have calls
// under way, and `resting` ones cannot be used.
class FakeTargets final : public TargetHealth {
 public:
  ProviderState StateOf(std::string_view provider) const override {
    if (provider == "a" || provider == "b") return ProviderState::kReady;
    return provider == "keyless" ? ProviderState::kNoCredential
                                 : ProviderState::kUnknown;
  }
  std::string_view NameOf(std::string_view provider) const override {
    return provider == "a" ? "a" : "b";
  }
  TargetLoad LoadOf(std::string_view provider,
                    std::string_view model) const override {
    asked_model = model;
    return {.usable = provider != resting};
  }
  std::optional<int64_t> PriceOf(std::string_view provider,
                                 std::string_view /*model*/) const override {
    return provider == "b" ? 1 : 2;
  }

  std::string_view resting;
  mutable std::string asked_model;
};

class RouteGroupTest : public testing::Test {
 protected:
  void Make(const std::string& rule) {
    llmgateway::config::v1::ModelRule parsed;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(rule, &parsed));
    group_.emplace("why", parsed.targets(), parsed.balancing(),
                   parsed.fallbacks(), health_);
  }

  RouteOrder Order(std::string_view model) {
    RouteOrder order;
    group_->Order({.random = chance_, .model = model}, &order);
    return order;
  }

  FakeTargets health_;
  FakeRandom chance_{1};
  std::optional<RouteGroup> group_;
};

TEST_F(RouteGroupTest, ATargetWithoutAModelIsAskedForTheCallers) {
  Make(R"(targets { provider: "a" })");
  EXPECT_EQ(group_->reason(), "why");
  EXPECT_TRUE(group_->CanServe("m"));
  EXPECT_FALSE(group_->CanServe(""));
  EXPECT_EQ(group_->WhyNot(), "names no model");
  EXPECT_THAT(Order("m"), ElementsAre(RouteTarget{"a", "m"}));
}

TEST_F(RouteGroupTest, WhoLacksACredentialIsLeftOut) {
  Make(R"(targets { provider: "keyless" } targets { provider: "a" })");
  EXPECT_EQ(group_->size(), 1u);
  EXPECT_EQ(group_->LeftOut(), "keyless");
  EXPECT_THAT(Order("m"), ElementsAre(RouteTarget{"a", "m"}));
  Make(R"(targets { provider: "keyless" model: "x" })");
  EXPECT_FALSE(group_->CanServe("m"));
  EXPECT_EQ(group_->WhyNot(), "no credential");
  EXPECT_THAT(Order("m"), IsEmpty());
  Make(R"(targets { provider: "gone" })");
  EXPECT_EQ(group_->WhyNot(), "no such provider");
}

TEST_F(RouteGroupTest, SeveralAreOrderedAsTheirStrategySays) {
  Make(R"(balancing: BALANCING_CHEAPEST
          targets { provider: "a" } targets { provider: "b" model: "n" })");
  EXPECT_THAT(Order("m"),
              ElementsAre(RouteTarget{"b", "n"}, RouteTarget{"a", "m"}));
  EXPECT_EQ(health_.asked_model, "m");
}

TEST_F(RouteGroupTest, ThoseThatRestAreNotAmongThem) {
  Make(R"(targets { provider: "a" } targets { provider: "b" })");
  health_.resting = "a";
  EXPECT_THAT(Order("m"), ElementsAre(RouteTarget{"b", "m"}));
  // Alone it is asked all the same: its breaker refuses it, and says why.
  Make(R"(targets { provider: "a" })");
  EXPECT_THAT(Order("m"), ElementsAre(RouteTarget{"a", "m"}));
}

TEST_F(RouteGroupTest, WithoutAModelOnlyThoseThatNameOneAreAsked) {
  Make(R"(targets { provider: "a" } targets { provider: "b" model: "n" })");
  EXPECT_TRUE(group_->CanServe(""));
  EXPECT_THAT(Order(""), ElementsAre(RouteTarget{"b", "n"}));
  EXPECT_EQ(group_->First(""), (RouteTarget{"b", "n"}));
  EXPECT_EQ(group_->First("m"), (RouteTarget{"a", "m"}));
}

TEST_F(RouteGroupTest, FallbacksAreThoseThatAreReady) {
  Make(R"(targets { provider: "a" }
          fallbacks { provider: "keyless" } fallbacks { provider: "b" }
          fallbacks { provider: "a" model: "n" })");
  EXPECT_THAT(group_->fallbacks(),
              ElementsAre(RouteTarget{"b", ""}, RouteTarget{"a", "n"}));
  // They stay where they are when the group moves.
  const RouteGroup moved = std::move(*group_);
  EXPECT_THAT(moved.fallbacks(),
              ElementsAre(RouteTarget{"b", ""}, RouteTarget{"a", "n"}));
}

}  // namespace
}  // namespace gateway
