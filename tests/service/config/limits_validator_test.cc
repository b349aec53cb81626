#include "service/config/limits_validator.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(LimitsValidatorTest, EveryUnitAndDimensionMayBeUsed) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "rate_limits:\n"
          "- {name: rpm, unit: requests, limit: 60, burst: 10, per: [caller]}\n"
          "- {name: in.1, unit: input_tokens, limit: 1000, window: 1h,\n"
          "   per: [user, agent, session, project, owner, peer]}\n"
          "- {name: out_2, unit: output_tokens, limit: 1000000000000,\n"
          "   per: [model, provider, credential], mode: observe}\n"
          "- {name: T-3, unit: total_tokens, limit: 1, per: [route, api],\n"
          "   sharing: local}\n"
          "- {name: calls, unit: concurrent_calls, limit: 5}\n"
          "- {name: money, unit: cost, limit_usd: '2.50', window: 24h,\n"
          "   match: {callers: ['a*'], owners: [b], models: ['gpt-*'],\n"
          "           providers: [mock, 'm*'], apis: [openai, grpc],\n"
          "           labels: {env: prod}}}\n"),
      IsEmpty());
}

TEST(LimitsValidatorTest, ALimitHasANameOfItsOwn) {
  EXPECT_THAT(
      ProblemsBesideAMock("rate_limits:\n"
                          "- {unit: requests, limit: 1}\n"
                          "- {name: 'key:a', unit: requests, limit: 1}\n"
                          "- {name: a, unit: requests, limit: 1}\n"
                          "- {name: a, unit: requests, limit: 1}\n"),
      ElementsAre("rate_limits[0].name: must be 1 to 64 of letters, digits and "
                  "'-_.'",
                  "rate_limits[1].name: must be 1 to 64 of letters, digits and "
                  "'-_.'",
                  "rate_limits[3].name: is another limit's name too; choose "
                  "another"));
  EXPECT_THAT(
      ProblemsBesideAMock("rate_limits:\n"
                          "- {name: key, unit: requests, limit: 1}\n"),
      ElementsAre("rate_limits[0].name: is what limits of keys are called "
                  "together; choose another"));
}

TEST(LimitsValidatorTest, AKeyHasOneLimitOfAUnitInAWindow) {
  EXPECT_THAT(
      ProblemsBesideAMock("auth:\n"
                          "  callers:\n"
                          "    api_keys:\n"
                          "    - id: a\n"
                          "      key_sha256: "
                          "'000102030405060708090a0b0c0d0e0f10111213141516171"
                          "8191a1b1c1d1e1f'\n"
                          "      limits:\n"
                          "      - {unit: requests, limit: 1}\n"
                          "      - {unit: requests, limit: 5, window: 1h}\n"
                          "      - {unit: requests, limit: 2, window: 60s}\n"),
      ElementsAre("auth.callers.api_keys[0].limits[2]: has the unit and the "
                  "window of another; keep one"));
}

TEST(LimitsValidatorTest, HowMuchIsSaidAsItsUnitAsksForIt) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "rate_limits:\n"
          "- {name: a, limit: 1}\n"
          "- {name: b, unit: requests}\n"
          "- {name: c, unit: requests, limit: 1, limit_usd: '1'}\n"
          "- {name: d, unit: cost, limit: 1}\n"
          "- {name: e, unit: cost, limit_usd: '0'}\n"
          "- {name: f, unit: cost, limit_usd: '1', burst: 1}\n"
          "- {name: g, unit: concurrent_calls, limit: 1, burst: 1, window: "
          "1m}\n"
          "- {name: h, unit: cost, limit_usd: cheap}\n"),
      ElementsAre(
          "rate_limits[0].unit: is required",
          "rate_limits[1].limit: is required: 1 to 1000000000000",
          "rate_limits[2].limit_usd: is for cost only; give 'limit'",
          "rate_limits[3].limit_usd: is required where 'unit' is cost; give "
          "dollars such as \"2.50\"",
          "rate_limits[3].limit: is not for cost; give 'limit_usd'",
          "rate_limits[4].limit_usd: must be more than 0",
          "rate_limits[5].burst: is not for cost; leave it out",
          "rate_limits[6].burst: is not for calls at once; leave it out",
          "rate_limits[6].window: is not for calls at once; leave it out",
          HasSubstr("rate_limits[7].limit_usd: \"cheap\" is no decimal")));
}

TEST(LimitsValidatorTest, NumbersHaveTheirRanges) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "rate_limits:\n"
          "- {name: a, unit: requests, limit: -1}\n"
          "- {name: b, unit: requests, limit: 1000000000001}\n"
          "- {name: c, unit: requests, limit: 1, burst: 0}\n"
          "- {name: d, unit: requests, limit: 1, window: 999ms}\n"
          "- {name: e, unit: requests, limit: 1, window: 745h}\n"),
      UnorderedElementsAre(HasSubstr("rate_limits[0].limit: must be"),
                           HasSubstr("rate_limits[1].limit: must be"),
                           HasSubstr("rate_limits[2].burst: must be"),
                           HasSubstr("rate_limits[3].window: must be"),
                           HasSubstr("rate_limits[4].window: must be")));
}

TEST(LimitsValidatorTest, WhatIsMatchedIsKnownWhereItCanBe) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "rate_limits:\n"
          "- {name: a, unit: requests, limit: 1, match: {providers: [mcok]}}\n"
          "- {name: b, unit: requests, limit: 1, match: {apis: [openia]}}\n"
          "- {name: c, unit: requests, limit: 1, match: {callers: ['']}}\n"),
      ElementsAre("rate_limits[0].match.providers[0]: is no provider of this "
                  "configuration; did you mean 'mock'?",
                  "rate_limits[1].match.apis[0]: is no API; did you mean "
                  "'openai'?",
                  "rate_limits[2].match.callers[0]: must be 1 to 256 "
                  "characters"));
}

TEST(LimitsValidatorTest, ADimensionIsThereOnceAndOfSixAtMost) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "rate_limits:\n"
          "- {name: a, unit: requests, limit: 1, per: [user, user]}\n"
          "- {name: b, unit: requests, limit: 1, per: [caller, owner, user,\n"
          "   agent, session, project, model]}\n"),
      ElementsAre("rate_limits[0].per[1]: is there already; keep one",
                  HasSubstr("rate_limits[1].per: has 7 entries; at most 6")));
}

TEST(LimitsValidatorTest, AKeyHasLimitsLikeThese) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "auth:\n"
          "  callers:\n"
          "    api_keys:\n"
          "    - {id: a, key: 'env:A', limits: [{unit: requests, limit: 5},\n"
          "       {unit: cost, limit_usd: '1', window: 24h}]}\n"
          "    - {id: b, key: 'env:B', limits: [{limit: 5}, {unit: cost}]}\n"
          "  operators:\n"
          "    api_keys:\n"
          "    - {id: c, key: 'env:C', limits: [{unit: requests, limit: "
          "5}]}\n"),
      UnorderedElementsAre(
          "auth.callers.api_keys[1].limits[0].unit: is required",
          HasSubstr("auth.callers.api_keys[1].limits[1].limit_usd: is "
                    "required"),
          HasSubstr("auth.operators.api_keys[0].limits: is for callers")));
}

TEST(LimitsValidatorTest, AtMostAThousandAreAllowed) {
  std::string yaml = "rate_limits:\n";
  for (int i = 0; i <= 1000; ++i) {
    absl::StrAppend(&yaml, "- {name: l", i, ", unit: requests, limit: 1}\n");
  }
  EXPECT_THAT(ProblemsBesideAMock(yaml),
              ElementsAre(HasSubstr(
                  "rate_limits: has 1001 entries; at most 1000 are allowed")));
}

}  // namespace
}  // namespace gateway
