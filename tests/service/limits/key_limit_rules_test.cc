#include "service/limits/key_limit_rules.h"

#include <memory>
#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/limit_charges.h"
#include "service/limits/limit_subject.h"
#include "tests/service/limits/limit_config.h"
#include "tests/service/limits/taken.h"
#include "tests/service/limits/test_times.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

config::KeyLimit OfKey(const std::string& text) {
  config::KeyLimit limit;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &limit));
  if (!limit.has_window()) limit.mutable_window()->set_seconds(60);
  return limit;
}

TEST(KeyLimitRulesTest, LimitsThatAreTheSameAreOneRule) {
  KeyLimitRules rules(kTestSecret);
  const LimitRule& rule =
      rules.RuleOf(OfKey("unit: LIMIT_UNIT_REQUESTS limit: 2"));
  EXPECT_EQ(&rules.RuleOf(OfKey("unit: LIMIT_UNIT_REQUESTS limit: 2 burst: 2")),
            &rule);
  for (const char* const other :
       {"unit: LIMIT_UNIT_REQUESTS limit: 3",
        "unit: LIMIT_UNIT_REQUESTS limit: 2 burst: 1",
        "unit: LIMIT_UNIT_REQUESTS limit: 2 window { seconds: 61 }",
        "unit: LIMIT_UNIT_INPUT_TOKENS limit: 2",
        "unit: LIMIT_UNIT_COST limit_usd: \"2\""}) {
    EXPECT_NE(&rules.RuleOf(OfKey(other)), &rule) << other;
  }
  EXPECT_EQ(rules.All().size(), 6);
}

TEST(KeyLimitRulesTest, WhatAThreadRemembersIsOfTheRulesThatItAsks) {
  KeyLimitRules rules(kTestSecret);
  const config::KeyLimit limit = OfKey("unit: LIMIT_UNIT_REQUESTS limit: 2");
  const LimitRule& rule = rules.RuleOf(limit);
  {
    KeyLimitRules others(kTestSecret);
    EXPECT_NE(&others.RuleOf(limit), &rule);
    EXPECT_EQ(&rules.RuleOf(limit), &rule);
    EXPECT_EQ(&others.RuleOf(limit), others.All().front());
  }
  EXPECT_EQ(&rules.RuleOf(limit), &rule);
  EXPECT_EQ(rules.All().size(), 1);
}

TEST(KeyLimitRulesTest, CountersGoWithTheRules) {
  std::weak_ptr<LimitCounters> counters;
  {
    KeyLimitRules rules(kTestSecret);
    for (const char* const limit : {"unit: LIMIT_UNIT_REQUESTS limit: 2",
                                    "unit: LIMIT_UNIT_REQUESTS limit: 3"}) {
      counters = rules.RuleOf(OfKey(limit)).shared_counters();
    }
    EXPECT_FALSE(counters.expired());
  }
  EXPECT_TRUE(counters.expired());
}

TEST(KeyLimitRulesTest, EachCallerHasItForHimself) {
  KeyLimitRules rules(kTestSecret);
  LocalCounterStore store;
  const auto takes = [&](const char* caller) {
    LimitSubject subject(kTestSecret);
    subject.Set(config::LIMIT_DIMENSION_CALLER, caller);
    LimitCharges charges({.local = &store});
    charges.Ask(rules.RuleOf(OfKey("unit: LIMIT_UNIT_REQUESTS limit: 2")),
                subject, {});
    return TakenAtOnce(charges, kNow);
  };
  EXPECT_TRUE(takes("a"));
  EXPECT_TRUE(takes("a"));
  EXPECT_FALSE(takes("a"));
  EXPECT_TRUE(takes("b"));
}

TEST(KeyLimitRulesTest, DifferentLimitsOfOneCallerAreCountedApart) {
  KeyLimitRules rules(kTestSecret);
  LimitSubject subject(kTestSecret);
  const LimitRule& minute =
      rules.RuleOf(OfKey("unit: LIMIT_UNIT_REQUESTS limit: 2"));
  const LimitRule& day = rules.RuleOf(
      OfKey("unit: LIMIT_UNIT_REQUESTS limit: 2 window { seconds: 86400 }"));
  EXPECT_NE(minute.KeyOf(subject), day.KeyOf(subject));
  EXPECT_EQ(minute.name(), "key");
}

// Whoever is given another number, less or more, has spent what it has spent.
TEST(KeyLimitRulesTest, ALimitThatIsChangedForgivesNothing) {
  KeyLimitRules rules(kTestSecret);
  LocalCounterStore store;
  const auto takes = [&](const char* caller, const std::string& limit) {
    LimitSubject subject(kTestSecret);
    subject.Set(config::LIMIT_DIMENSION_CALLER, caller);
    LimitCharges charges({.local = &store});
    charges.Ask(rules.RuleOf(OfKey("unit: LIMIT_UNIT_REQUESTS " + limit)),
                subject, {});
    return TakenAtOnce(charges, kNow);
  };
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(takes("a", "limit: 4"));
  EXPECT_FALSE(takes("a", "limit: 4"));
  EXPECT_FALSE(takes("a", "limit: 2"));
  // The minute is not over.
  EXPECT_FALSE(takes("a", "limit: 8"));
  EXPECT_TRUE(takes("b", "limit: 2"));
  EXPECT_TRUE(takes("a", "limit: 4 window { seconds: 3600 }"));
}

}  // namespace
}  // namespace gateway
