#include "service/limits/limit_rule.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/limit_subject.h"
#include "tests/service/limits/limit_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

LimitRule Rule(const std::string& text) {
  return LimitRule(Limit(text), kTestSecret);
}

LimitSubject Subject(std::string_view caller, std::string_view model) {
  LimitSubject subject(kTestSecret);
  subject.Set(config::LIMIT_DIMENSION_CALLER, caller);
  subject.Set(config::LIMIT_DIMENSION_MODEL, model);
  return subject;
}

TEST(LimitRuleTest, BurstIsTheLimitUnlessItIsSaid) {
  const LimitRule rpm =
      Rule(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 60)");
  EXPECT_EQ(rpm.gcra().limit(), 60);
  EXPECT_EQ(rpm.gcra().burst(), 60);
  EXPECT_EQ(rpm.gcra().window(), absl::Minutes(1));
  EXPECT_EQ(Rule(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 60 burst: 10)")
                .gcra()
                .burst(),
            10);
}

TEST(LimitRuleTest, CostIsCountedInNanoDollars) {
  const LimitRule cost = Rule(
      R"(name: "c" unit: LIMIT_UNIT_COST limit_usd: "2.50"
         window { seconds: 86400 })");
  EXPECT_EQ(cost.limit(), 2'500'000'000);
  EXPECT_EQ(cost.gcra().burst(), 2'500'000'000);
}

TEST(LimitRuleTest, CallsThatAreTheSameInItsDimensionsShareACounter) {
  const LimitRule rule = Rule(
      R"(name: "a" unit: LIMIT_UNIT_REQUESTS limit: 1
         per: LIMIT_DIMENSION_CALLER)");
  LimitSubject one = Subject("a", "m");
  LimitSubject same = Subject("a", "n");
  LimitSubject other = Subject("b", "m");
  EXPECT_EQ(rule.KeyOf(one), rule.KeyOf(same));
  EXPECT_NE(rule.KeyOf(one), rule.KeyOf(other));
  const LimitRule both = Rule(
      R"(name: "a" unit: LIMIT_UNIT_REQUESTS limit: 1
         per: LIMIT_DIMENSION_MODEL per: LIMIT_DIMENSION_CALLER)");
  EXPECT_NE(both.KeyOf(one), both.KeyOf(same));
  // Not what they are called together.
  LimitSubject joined = Subject("am", "");
  EXPECT_NE(both.KeyOf(one), both.KeyOf(joined));
  const LimitRule all = Rule(R"(name: "a" unit: LIMIT_UNIT_REQUESTS limit: 1)");
  EXPECT_EQ(all.KeyOf(one), all.KeyOf(other));
  EXPECT_NE(Rule(R"(name: "b" unit: LIMIT_UNIT_REQUESTS limit: 1)").KeyOf(one),
            all.KeyOf(one));
}

TEST(LimitRuleTest, WhatOnlyATargetHasMakesItOneOfTargets) {
  const std::string head = R"(name: "a" unit: LIMIT_UNIT_REQUESTS limit: 1 )";
  EXPECT_FALSE(Rule(head).is_of_target());
  EXPECT_FALSE(Rule(head + "per: LIMIT_DIMENSION_CALLER").is_of_target());
  EXPECT_FALSE(Rule(head + "per: LIMIT_DIMENSION_ROUTE").is_of_target());
  EXPECT_TRUE(Rule(head + "per: LIMIT_DIMENSION_MODEL").is_of_target());
  EXPECT_TRUE(Rule(head + "per: LIMIT_DIMENSION_PROVIDER").is_of_target());
  EXPECT_TRUE(Rule(head + "per: LIMIT_DIMENSION_CREDENTIAL").is_of_target());
  EXPECT_TRUE(Rule(head + R"(match { models: "gpt-*" })").is_of_target());
}

TEST(LimitRuleTest, ASubjectIsKeptForOperatorsAndCanBeTakenApart) {
  const LimitRule rule = Rule(
      R"(name: "a" unit: LIMIT_UNIT_REQUESTS limit: 1
         per: LIMIT_DIMENSION_MODEL per: LIMIT_DIMENSION_CALLER)");
  using Parts = std::vector<std::pair<std::string_view, std::string>>;
  EXPECT_EQ(rule.SplitSubject(rule.SubjectText(Subject("a, b", "gpt"))),
            (Parts{{"caller", "a, b"}, {"model", "gpt"}}));
  EXPECT_EQ(rule.SplitSubject(rule.SubjectText(Subject("", ""))),
            (Parts{{"caller", ""}, {"model", ""}}));
  EXPECT_EQ(rule.SplitSubject(""), (Parts{{"caller", ""}, {"model", ""}}));
  const std::string text =
      rule.SubjectText(Subject(std::string(10'000, 'a'), "m"));
  EXPECT_LT(text.size(), 600);
  EXPECT_EQ(rule.DimensionNames(), "caller, model");
  EXPECT_EQ(
      Rule(R"(name: "a" unit: LIMIT_UNIT_REQUESTS limit: 1)").DimensionNames(),
      "");
}

TEST(LimitRuleTest, GoesOnWithCountersThatCountTheSame) {
  const std::string head = R"(name: "a" limit: 1 )";
  const std::string requests = head + "unit: LIMIT_UNIT_REQUESTS ";
  const std::string per = "per: LIMIT_DIMENSION_CALLER ";
  const LimitRule before(Limit(requests + per), kTestSecret);
  const auto goes_on = [&](const std::string& text,
                           const KeySecret& secret = kTestSecret) {
    const LimitRule after(Limit(text), secret, &before);
    return &after.counters() == &before.counters();
  };
  EXPECT_TRUE(goes_on(requests + per));
  EXPECT_TRUE(goes_on(
      R"(name: "a" limit: 500 burst: 7 unit: LIMIT_UNIT_REQUESTS mode: MODE_OBSERVE
         match { callers: "x" } window { seconds: 1 } )" +
      per));
  EXPECT_FALSE(goes_on(requests));
  EXPECT_FALSE(goes_on(requests + per + "per: LIMIT_DIMENSION_API"));
  EXPECT_FALSE(goes_on(head + "unit: LIMIT_UNIT_INPUT_TOKENS " + per));
  EXPECT_FALSE(goes_on(head + "unit: LIMIT_UNIT_CONCURRENT_CALLS " + per));
  EXPECT_FALSE(
      goes_on(R"(name: "b" limit: 1 unit: LIMIT_UNIT_REQUESTS )" + per));
  EXPECT_FALSE(goes_on(requests + per, {1, 1}));
}

TEST(LimitRuleTest, EveryDimensionAndUnitHasTheNameOfTheConfiguration) {
  for (int i = 1; i <= config::LimitDimension_MAX; ++i) {
    EXPECT_NE(LimitDimensionName(static_cast<LimitDimension>(i)), "") << i;
  }
  for (int i = 1; i <= config::LimitUnit_MAX; ++i) {
    EXPECT_NE(LimitUnitName(static_cast<LimitUnit>(i)), "") << i;
  }
}

}  // namespace
}  // namespace gateway
