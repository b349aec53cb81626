#include "service/config/routing_validator.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(RoutingValidatorTest, RulesNameProvidersThatExist) {
  EXPECT_THAT(
      ProblemsBesideAMock("routing:\n"
                          "  default_target: mokc\n"
                          "  model_rules:\n"
                          "  - {prefix: a, targets: [mock]}\n"
                          "  - {prefix: b, targets: [openai]}\n"
                          "  - {prefix: c}\n"),
      ElementsAre("routing.default_target.provider: names no configured "
                  "provider; did you mean 'mock'?",
                  "routing.model_rules[1].targets[0].provider: names no "
                  "configured provider; known are 'mock'",
                  "routing.model_rules[2].targets: is required; name a "
                  "configured provider, as in [openai]"));
}

TEST(RoutingValidatorTest, NoRuleTakesATiersName) {
  EXPECT_THAT(
      ProblemsBesideAMock("routing:\n"
                          "  model_rules:\n"
                          "  - {alias: 'tier:fast', targets: [mock/m]}\n"),
      ElementsAre(HasSubstr("model_rules[0]: matches nothing: names "
                            "that begin with 'tier:'")));
}

TEST(RoutingValidatorTest, RulesMatchSomething) {
  EXPECT_THAT(
      ProblemsBesideAMock("routing:\n"
                          "  model_rules:\n"
                          "  - {targets: [mock]}\n"
                          "  - {prefix: '', targets: [mock]}\n"
                          "  - {alias: a, targets: [mock]}\n"
                          "  - {alias: a, targets: [mock/b]}\n"
                          "  - {exact: 'a b', targets: [mock]}\n"),
      ElementsAre("routing.model_rules[0]: matches nothing; give one of alias, "
                  "prefix, exact and glob",
                  HasSubstr("routing.model_rules[1].prefix: must be a model's"),
                  HasSubstr("routing.model_rules[2]: has an alias but no"),
                  HasSubstr("routing.model_rules[4].exact: must be a")));
}

TEST(RoutingValidatorTest, GlobsAreWellFormed) {
  const auto with_glob = [](std::string_view glob) {
    return ProblemsBesideAMock(
        absl::StrCat("routing: {model_rules: [{targets: [mock], glob: '",
                     ToAbsl(glob), "'}]}"));
  };
  for (const char* good : {"*", "gpt-?-*", "**", "?", "a.b:c/d-*"}) {
    EXPECT_THAT(with_glob(good), IsEmpty()) << good;
  }
  for (const char* bad : {"[ab]*", "a]", "{a,b}", "a\\", "a b", ""}) {
    EXPECT_THAT(with_glob(bad), ElementsAre(HasSubstr("glob: "))) << bad;
  }
}

TEST(RoutingValidatorTest, TargetsAreGivenOnceAndSharesAreInRange) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "routing:\n"
          "  model_rules:\n"
          "  - {prefix: a, targets: [mock, mock/b, mock]}\n"
          "  - prefix: b\n"
          "    targets:\n"
          "    - {provider: mock, weight: 1000, priority: 100}\n"
          "    - {provider: mock, model: b, weight: 1001}\n"
          "    - {provider: mock, model: c, weight: 0}\n"
          "    - {provider: mock, model: d, priority: 101}\n"),
      ElementsAre("routing.model_rules[0].targets[2]: is given twice; keep "
                  "one, with a larger weight",
                  "routing.model_rules[1].targets[1].weight: must be 1 to 1000",
                  "routing.model_rules[1].targets[2].weight: must be 1 to 1000",
                  "routing.model_rules[1].targets[3].priority: must be 0 to "
                  "100"));
}

TEST(RoutingValidatorTest, WhereNothingIsSharedNoShareIsGiven) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "routing:\n"
          "  default_target: {provider: mock, weight: 2}\n"
          "  fallbacks: [mock/a, {provider: mock, priority: 1}]\n"),
      ElementsAre(HasSubstr("routing.default_target.weight: means nothing"),
                  HasSubstr("routing.fallbacks[1].priority: means nothing")));
}

TEST(RoutingValidatorTest, AnAliasNamesAModelWhereverItLeads) {
  EXPECT_THAT(ProblemsBesideAMock("routing:\n"
                                  "  model_rules:\n"
                                  "  - {alias: a, targets: [mock/b, mock/c]}\n"
                                  "  - {alias: b, targets: [mock/b, mock]}\n"),
              ElementsAre(HasSubstr("routing.model_rules[1]: has an alias")));
}

TEST(RoutingValidatorTest, AgentsTagsAndTiersHaveOneRuleEach) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "routing:\n"
          "  agent_rules:\n"
          "  - {agent_type: reviewer, targets: [mock]}\n"
          "  - {agent_type: Reviewer, targets: [mock]}\n"
          "  - {agent_type: '', targets: [mock]}\n"
          "  domain_tag_rules:\n"
          "  - {tag: law, targets: [mock]}\n"
          "  - {tag: Law, targets: [mock]}\n"
          "  - {tag: law}\n"
          "  model_tier_rules:\n"
          "  - {tier: fast, contains: [mini, ''], targets: [mock]}\n"
          "  - {tier: 'tier:slow', targets: [mock]}\n"
          "  - {tier: FAST, targets: [nobody]}\n"),
      ElementsAre(
          "routing.agent_rules[1].agent_type: has a rule already; keep one",
          HasSubstr("routing.agent_rules[2].agent_type: must be 1 to 128"),
          HasSubstr("routing.domain_tag_rules[2].targets: is required"),
          "routing.domain_tag_rules[2].tag: has a rule already; keep one",
          HasSubstr("routing.model_tier_rules[0].contains[1]: must be 1 to"),
          HasSubstr("routing.model_tier_rules[1].tier: is the name behind"),
          "routing.model_tier_rules[2].tier: has a rule already; keep one",
          HasSubstr("routing.model_tier_rules[2].targets[0].provider: names "
                    "no")));
}

TEST(RoutingValidatorTest, OnlyAgentsWithARuleAreInferred) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "routing:\n"
          "  agent_rules:\n"
          "  - {agent_type: reviewer, targets: [mock]}\n"
          "  agent_inference:\n"
          "    enabled: true\n"
          "    agents:\n"
          "    - {agent_type: Reviewer, phrases: [review this]}\n"
          "    - {agent_type: tester, phrases: [write tests]}\n"
          "    - {agent_type: reviewer, phrases: ['']}\n"
          "    - {agent_type: reviewer}\n"),
      ElementsAre(HasSubstr("agents[1].agent_type: has no rule in "
                            "routing.agent_rules"),
                  HasSubstr("agents[2].phrases[0]: must be 1 to 128 bytes"),
                  HasSubstr("agents[3].phrases: is required")));
}

TEST(RoutingValidatorTest, ListsAreBounded) {
  std::string targets;
  for (int i = 0; i < 17; ++i) absl::StrAppend(&targets, "mock/m", i, ", ");
  EXPECT_THAT(
      ProblemsBesideAMock(
          absl::StrCat("routing:\n  fallbacks: [", targets, "]\n",
                       "  failure_fallbacks: {rate_limit: [", targets, "]}\n")),
      ElementsAre("routing.fallbacks: has 17 entries; at most 16 are allowed",
                  "routing.failure_fallbacks.rate_limit: has 17 entries; at "
                  "most 16 are allowed"));
}

}  // namespace
}  // namespace gateway
