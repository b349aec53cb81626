#include "service/limits/limit_rules.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/limit_charges.h"
#include "tests/service/limits/limit_config.h"
#include "tests/service/limits/taken.h"
#include "tests/service/limits/test_times.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

class LimitRulesTest : public testing::Test {
 protected:
  // Whether a call of the caller is let in by `rules`, and for which limits of
  // calls or of targets.
  bool LetsIn(const LimitRules& rules, std::string_view caller,
              std::string_view model = "", bool of_target = false) {
    LimitSubject subject(rules.secret());
    subject.Set(config::LIMIT_DIMENSION_CALLER, caller);
    subject.Set(config::LIMIT_DIMENSION_MODEL, model);
    LimitCharges charges({.local = &store_});
    if (of_target) {
      rules.AskForTarget(subject, {}, charges);
    } else {
      rules.AskForCall(subject, {}, charges);
    }
    return TakenAtOnce(charges, kNow);
  }

  LocalCounterStore store_;
};

TEST_F(LimitRulesTest, ACallIsCountedAgainstEachLimitThatMatches) {
  const LimitRules rules(
      LimitList({R"(name: "all" unit: LIMIT_UNIT_REQUESTS limit: 3)",
                 R"(name: "a" unit: LIMIT_UNIT_REQUESTS limit: 1
                    match { callers: "a" })",
                 R"(name: "star" unit: LIMIT_UNIT_REQUESTS limit: 2
                    match { callers: "b*" })"}),
      kTestSecret, nullptr);
  EXPECT_TRUE(LetsIn(rules, "a"));
  EXPECT_FALSE(LetsIn(rules, "a")) << "its own";
  EXPECT_TRUE(LetsIn(rules, "b1"));
  EXPECT_TRUE(LetsIn(rules, "b2"));
  EXPECT_FALSE(LetsIn(rules, "c")) << "that of all";
}

TEST_F(LimitRulesTest, WhetherPeersAreToldApartIsKnown) {
  const char* const by_caller =
      R"(name: "a" unit: LIMIT_UNIT_REQUESTS limit: 1
         per: LIMIT_DIMENSION_CALLER)";
  EXPECT_FALSE(LimitRules(LimitList({by_caller}), kTestSecret, nullptr)
                   .tells_peers_apart());
  EXPECT_TRUE(LimitRules(LimitList({R"(name: "p" unit: LIMIT_UNIT_REQUESTS
                                       limit: 1 per: LIMIT_DIMENSION_PEER)",
                                    by_caller}),
                         kTestSecret, nullptr)
                  .tells_peers_apart());
}

TEST_F(LimitRulesTest, LimitsOfTargetsAreAskedForTargetsOnly) {
  const LimitRules rules(
      LimitList({R"(name: "model" unit: LIMIT_UNIT_REQUESTS limit: 1
                    per: LIMIT_DIMENSION_MODEL)"}),
      kTestSecret, nullptr);
  EXPECT_TRUE(rules.has_target_rules());
  EXPECT_TRUE(LetsIn(rules, "a", "m"));
  EXPECT_TRUE(LetsIn(rules, "a", "m"));
  EXPECT_TRUE(LetsIn(rules, "a", "m", /*of_target=*/true));
  EXPECT_FALSE(LetsIn(rules, "a", "m", /*of_target=*/true));
  EXPECT_TRUE(LetsIn(rules, "a", "n", /*of_target=*/true));
}

TEST_F(LimitRulesTest, AnotherConfigurationForgivesNothing) {
  const std::string limit =
      R"(name: "a" unit: LIMIT_UNIT_REQUESTS limit: 2
         per: LIMIT_DIMENSION_CALLER)";
  const LimitRules before(LimitList({limit}), kTestSecret, nullptr);
  EXPECT_TRUE(LetsIn(before, "a"));
  EXPECT_TRUE(LetsIn(before, "a"));
  const LimitRules after(
      LimitList({R"(name: "new" unit: LIMIT_UNIT_REQUESTS limit: 1)", limit}),
      before.secret(), &before);
  EXPECT_FALSE(LetsIn(after, "a"));
  EXPECT_TRUE(LetsIn(after, "b"));
  // The one before may still be in use; it counts the same.
  EXPECT_TRUE(LetsIn(before, "b"));
  EXPECT_FALSE(LetsIn(before, "b"));
}

TEST_F(LimitRulesTest, AThousandLimitsOfOtherCallersRefuseNothing) {
  LimitRules::Config config;
  for (int i = 0; i < 1000; ++i) {
    *config.Add() = Limit(absl::StrCat(
        "name: \"r", i,
        "\" unit: LIMIT_UNIT_REQUESTS limit: 1 match { callers: \"c", i,
        "\" }"));
  }
  const LimitRules rules(config, kTestSecret, nullptr);
  EXPECT_TRUE(LetsIn(rules, "c7"));
  EXPECT_FALSE(LetsIn(rules, "c7"));
  EXPECT_TRUE(LetsIn(rules, "c8"));
  EXPECT_TRUE(LetsIn(rules, "somebody"));
  EXPECT_TRUE(LetsIn(rules, "somebody"));
  EXPECT_EQ(rules.Find("r7")->counters().refused, 1);
  EXPECT_EQ(rules.Find("r8")->counters().refused, 0);
  EXPECT_EQ(rules.Find("r1000"), nullptr);
}

TEST_F(LimitRulesTest, WithoutLimitsAllAreLetIn) {
  const LimitRules rules({}, kTestSecret, nullptr);
  EXPECT_TRUE(rules.empty());
  EXPECT_FALSE(rules.has_target_rules());
  EXPECT_TRUE(LetsIn(rules, "a"));
}

}  // namespace
}  // namespace gateway
