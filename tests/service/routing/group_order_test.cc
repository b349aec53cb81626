#include "service/routing/group_order.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "service/routing/route_group.h"
#include "service/routing/target_health.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

// Providers that can be asked but for one, and how often they were looked at.
class CountedTargets : public TargetHealth {
 public:
  ProviderState StateOf(std::string_view) const override {
    return ProviderState::kReady;
  }
  std::string_view NameOf(std::string_view provider) const override {
    return provider;
  }
  TargetLoad LoadOf(std::string_view provider,
                    std::string_view /*model*/) const override {
    ++looks;
    return {.usable = provider != resting && !all_rest};
  }

  std::string resting;
  bool all_rest = false;
  mutable size_t looks = 0;
};

class GroupOrderTest : public testing::Test {
 protected:
  void Make(int targets) {
    rule_.set_balancing(llmgateway::config::v1::BALANCING_ROUND_ROBIN);
    for (int i = 0; i < targets; ++i) {
      rule_.add_targets()->set_provider("p" + std::to_string(i));
    }
    group_.emplace("why", rule_.targets(), rule_.balancing(), rule_.fallbacks(),
                   health_);
  }

  GroupOrder Order() {
    return group_->Order({.random = chance_, .model = "m"});
  }

  static std::vector<std::string> Providers(GroupOrder order) {
    std::vector<std::string> names;
    while (const RouteTarget* target = order.At(names.size())) {
      names.emplace_back(target->provider);
    }
    return names;
  }

  llmgateway::config::v1::ModelRule rule_;
  CountedTargets health_;
  FakeRandom chance_{1};
  std::optional<RouteGroup> group_;
};

TEST_F(GroupOrderTest, OneThatIsGivenIsAsItIs) {
  EXPECT_EQ(GroupOrder().At(0), nullptr);
  EXPECT_EQ(GroupOrder().size_max(), 0u);
  const RouteTarget targets[] = {{"a", "m"}, {"b", "n"}};
  GroupOrder order(targets);
  EXPECT_EQ(order.size_max(), 2u);
  EXPECT_EQ(*order.At(1), (RouteTarget{"b", "n"}));
  EXPECT_EQ(order.At(2), nullptr);
}

TEST_F(GroupOrderTest, TheFirstIsChosenWithoutALookAtTheOthers) {
  Make(8);
  GroupOrder order = Order();
  EXPECT_EQ(order.At(0)->provider, "p0");
  EXPECT_EQ(order.size_max(), 8u);
  EXPECT_EQ(health_.looks, 1u);
}

TEST_F(GroupOrderTest, OfTheOthersThoseComeFirstThatCanBeAskedWhenLookedAt) {
  Make(4);
  GroupOrder order = Order();
  health_.resting = "p2";
  EXPECT_EQ(order.At(1)->provider, "p1");
  // What is known later changes nothing.
  health_.resting = "p3";
  EXPECT_EQ(order.At(2)->provider, "p3");
  EXPECT_EQ(order.At(3)->provider, "p2");
  EXPECT_EQ(order.At(4), nullptr);
  EXPECT_EQ(order.size_max(), 4u);
}

TEST_F(GroupOrderTest, OneOrderTakesOneTurn) {
  Make(3);
  EXPECT_THAT(Providers(Order()), testing::ElementsAre("p0", "p1", "p2"));
  EXPECT_THAT(Providers(Order()), testing::ElementsAre("p1", "p2", "p0"));
}

TEST_F(GroupOrderTest, OfManySixteenAreAsked) {
  Make(20);
  EXPECT_EQ(Order().size_max(), GroupOrder::kSizeMax);
  EXPECT_EQ(Providers(Order()).size(), GroupOrder::kSizeMax);
  health_.all_rest = true;
  const std::vector<std::string> all = Providers(Order());
  EXPECT_EQ(all.size(), GroupOrder::kSizeMax);
  EXPECT_EQ(all.front(), "p0");
}

}  // namespace
}  // namespace gateway
