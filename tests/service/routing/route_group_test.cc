#include "service/routing/route_group.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
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
    if (provider == "keyless") return "keyless";
    return provider == "a" ? "a" : "b";
  }
  TargetLoad LoadOf(std::string_view provider,
                    std::string_view model) const override {
    asked_model = model;
    return {.usable = !all_rest && provider != resting};
  }
  std::vector<GroupMember*> CompareTargets(
      absl::Span<const RouteTarget> targets) const override {
    for (const RouteTarget& target : targets) {
      compared.push_back(std::string(target.provider));
    }
    return members;
  }
  void AddStanding(const GroupMember& member,
                   TargetLoad* load) const override {
    load->avoided = &member == out;
  }
  std::optional<int64_t> PriceOf(std::string_view provider,
                                 std::string_view /*model*/) const override {
    return provider == "b" ? 1 : 2;
  }

  std::string_view resting;
  bool all_rest = false;
  std::vector<GroupMember*> members;
  const GroupMember* out = nullptr;
  mutable std::vector<std::string> compared;
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

  std::vector<RouteTarget> Order(std::string_view model) {
    GroupOrder order = group_->Order({.random = chance_, .model = model});
    std::vector<RouteTarget> targets;
    while (const RouteTarget* target = order.At(targets.size())) {
      targets.push_back(*target);
    }
    return targets;
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

TEST_F(RouteGroupTest, OperatorsAreToldOfAllThatAreNamed) {
  Make(R"pb(targets { provider: "keyless" model: "k" }
            targets { provider: "unknown" model: "u" }
            targets { provider: "a" model: "m" }
            targets { provider: "b" }
            fallbacks { provider: "keyless" model: "f" }
            fallbacks { provider: "a" model: "g" })pb");
  health_.resting = "a";
  const auto named = [this](std::string_view model) {
    std::vector<RouteTarget> targets;
    group_->AddNamed(model, &targets);
    std::vector<std::string> texts;
    for (const RouteTarget& target : targets) {
      texts.push_back(std::string(target.provider) + "/" +
                      std::string(target.model));
    }
    return texts;
  };
  EXPECT_THAT(named("x"), ElementsAre("a/m", "b/x", "keyless/k", "keyless/f"));
  EXPECT_THAT(named(""), ElementsAre("a/m", "keyless/k", "keyless/f"));
}

TEST_F(RouteGroupTest, SeveralAreOrderedAsTheirStrategySays) {
  Make(R"(balancing: BALANCING_CHEAPEST
          targets { provider: "a" } targets { provider: "b" model: "n" })");
  EXPECT_THAT(Order("m"),
              ElementsAre(RouteTarget{"b", "n"}, RouteTarget{"a", "m"}));
  EXPECT_EQ(health_.asked_model, "m");
}

TEST_F(RouteGroupTest, ThoseThatRestComeLastSoThatItIsFoundOutWhy) {
  Make(R"(targets { provider: "a" } targets { provider: "b" })");
  health_.resting = "a";
  EXPECT_THAT(Order("m"),
              ElementsAre(RouteTarget{"b", "m"}, RouteTarget{"a", "m"}));
  // Whose model is not known is not among them.
  Make(R"(targets { provider: "a" } targets { provider: "b" model: "n" })");
  EXPECT_THAT(Order(""), ElementsAre(RouteTarget{"b", "n"}));
  // Alone it is asked all the same: its breaker refuses it, and says why.
  Make(R"(targets { provider: "a" })");
  EXPECT_THAT(Order("m"), ElementsAre(RouteTarget{"a", "m"}));
}

TEST_F(RouteGroupTest, WithoutAModelOnlyThoseThatNameOneAreAsked) {
  Make(R"(targets { provider: "a" } targets { provider: "b" model: "n" })");
  EXPECT_TRUE(group_->CanServe(""));
  EXPECT_THAT(Order(""), ElementsAre(RouteTarget{"b", "n"}));
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

TEST_F(RouteGroupTest, WhereAllRestEachIsNamedSoThatItIsFoundOutWhy) {
  Make(R"(targets { provider: "a" } targets { provider: "b" model: "x" })");
  health_.all_rest = true;
  EXPECT_THAT(Order("m"),
              ElementsAre(RouteTarget{"a", "m"}, RouteTarget{"b", "x"}));
  EXPECT_THAT(Order(""), ElementsAre(RouteTarget{"b", "x"}));
}

TEST_F(RouteGroupTest, TargetsThatShareCallsAreCompared) {
  Make(R"(targets { provider: "a" })");
  EXPECT_THAT(health_.compared, IsEmpty());
  // Whatever they are, they are handed on.
  int of_a = 0;
  int of_b = 0;
  health_.members = {reinterpret_cast<GroupMember*>(&of_a),
                     reinterpret_cast<GroupMember*>(&of_b)};
  Make(R"(targets { provider: "a" } targets { provider: "b" })");
  EXPECT_THAT(health_.compared, ElementsAre("a", "b"));
  health_.out = health_.members[0];
  for (int i = 0; i < 10; ++i) {
    const std::vector<RouteTarget> order = Order("m");
    ASSERT_EQ(order.size(), 2u);
    EXPECT_EQ(order[0].provider, "b");
    EXPECT_EQ(order[0].member, health_.members[1]);
    EXPECT_EQ(order[1].member, health_.members[0]);
  }
}

class StickyGroupTest : public RouteGroupTest {
 protected:
  std::string First(StickyKey key) {
    GroupOrder order =
        group_->Order({.random = chance_, .sticky = key, .model = "m"});
    return std::string(order.At(0)->provider);
  }
  std::string FirstOfPrompt(const std::string& prompt,
                            std::string_view session = "") {
    const auto read = [&] {
      ++reads_;
      return prompt;
    };
    const absl::FunctionRef<std::string()> prefix = read;
    return First(
        {.by = StickyBy::kSession, .text = session, .prompt_prefix = &prefix});
  }

  int reads_ = 0;
};

TEST_F(StickyGroupTest, CallsOfOneBeginningStayTogetherAndOthersDoNot) {
  Make(R"(balancing: BALANCING_STICKY
          targets { provider: "a" } targets { provider: "b" })");
  std::set<std::string> all;
  for (int prompt = 0; prompt < 20; ++prompt) {
    const std::string first = FirstOfPrompt("prompt " + std::to_string(prompt));
    all.insert(first);
    for (int call = 0; call < 5; ++call) {
      EXPECT_EQ(FirstOfPrompt("prompt " + std::to_string(prompt)), first);
    }
  }
  EXPECT_EQ(all.size(), 2u);
}

TEST_F(StickyGroupTest, APromptThatSaysNothingKeepsNothingTogether) {
  Make(R"(balancing: BALANCING_STICKY
          targets { provider: "a" } targets { provider: "b" })");
  std::set<std::string> all;
  for (int call = 0; call < 40; ++call) all.insert(FirstOfPrompt(""));
  EXPECT_EQ(all.size(), 2u);
}

TEST_F(StickyGroupTest, APromptIsReadOnlyWhereItDecides) {
  Make(R"(balancing: BALANCING_STICKY
          targets { provider: "a" } targets { provider: "b" })");
  FirstOfPrompt("p", "session");
  EXPECT_EQ(reads_, 0);
  FirstOfPrompt("p");
  EXPECT_EQ(reads_, 1);
  Make(R"(targets { provider: "a" } targets { provider: "b" })");
  FirstOfPrompt("p");
  Make(R"(balancing: BALANCING_STICKY targets { provider: "a" })");
  FirstOfPrompt("p");
  EXPECT_EQ(reads_, 1);
}

}  // namespace
}  // namespace gateway
