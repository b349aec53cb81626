#include "service/audit/body_rules.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(BodyRulesTest, WithoutRulesNothingIsKept) {
  const BodyRules rules;
  EXPECT_TRUE(rules.empty());
  EXPECT_EQ(rules.Match({.route = "default", .api = "grpc"}), nullptr);
}

TEST(BodyRulesTest, EachListMustHaveAnEntry) {
  const BodyRules rules({{.routes = {"model_rule:gpt-*"},
                          .apis = {"grpc", "openai"},
                          .callers = {"team-*"},
                          .owners = {"search"},
                          .request = true}});
  const BodySubject all = {.route = "model_rule:gpt-5",
                           .api = "openai",
                           .caller = "team-a",
                           .owner = "search"};
  ASSERT_NE(rules.Match(all), nullptr);
  BodySubject other = all;
  other.route = "default";
  EXPECT_EQ(rules.Match(other), nullptr);
  other = all;
  other.api = "gemini";
  EXPECT_EQ(rules.Match(other), nullptr);
  other = all;
  other.caller = "a-team";
  EXPECT_EQ(rules.Match(other), nullptr);
  other = all;
  other.owner = "";
  EXPECT_EQ(rules.Match(other), nullptr);
}

TEST(BodyRulesTest, TheFirstRuleThatMatchesCountsAlsoIfItKeepsNothing) {
  const BodyRules rules({{.callers = {"secret-*"}},
                         {.request = true, .bytes_limit = 1},
                         {.response = true, .bytes_limit = 2}});
  EXPECT_EQ(rules.Match({.caller = "secret-1"}), nullptr);
  const BodyRule* const rule = rules.Match({.caller = "other"});
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->bytes_limit, 1);
}

}  // namespace
}  // namespace gateway
