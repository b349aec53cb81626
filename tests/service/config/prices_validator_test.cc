#include "service/config/prices_validator.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(PricesValidatorTest, APriceNamesAModelAndItsKind) {
  EXPECT_THAT(ProblemsBesideAMock(
                  "prices:\n"
                  "  models:\n"
                  "  - {model: 'gpt-4o*', input: 2.5, output: 10}\n"
                  "  - {model: 'gpt-4o*', kind: openai, input: 1, output: 2}\n"
                  "  - {model: '*', kind: mock, input: '0', output: '0'}\n"),
              IsEmpty());
  EXPECT_THAT(
      ProblemsBesideAMock("prices:\n"
                          "  models:\n"
                          "  - {model: '', input: 1, output: 1}\n"
                          "  - {model: 'a*b', input: 1, output: 1}\n"
                          "  - {model: 'a b', input: 1, output: 1}\n"
                          "  - {model: a, kind: opnai, input: 1, output: 1}\n"
                          "  - {model: b, input: 1, output: 1}\n"
                          "  - {model: b, input: 1, output: 1}\n"
                          "  - {model: c, input: cheap}\n"),
      ElementsAre(
          HasSubstr("prices.models[0].model: must be a model's name"),
          HasSubstr("prices.models[1].model: must be a model's name"),
          HasSubstr("prices.models[2].model: must be a model's name"),
          "prices.models[3].kind: is no kind of provider, nor the preset of "
          "one that is configured; did you mean 'openai'?",
          "prices.models[5].model: has its price in prices.models[4] already; "
          "keep one, or give them an effective_time each",
          "prices.models[6].output: is required; free is 0",
          HasSubstr("prices.models[6].input: must be dollars for a million")));
}

TEST(PricesValidatorTest, PricesOfOneModelHaveTimesOfTheirOwn) {
  EXPECT_THAT(
      ProblemsBesideAMock("prices:\n"
                          "  models:\n"
                          "  - {model: m, input: 1, output: 1}\n"
                          "  - {model: m, input: 2, output: 2,\n"
                          "     effective_time: 2027-01-31T00:00:00Z}\n"
                          "  - {model: m, input: 3, output: 3,\n"
                          "     effective_time: 2027-02-28T00:00:00Z}\n"),
      IsEmpty());
  EXPECT_THAT(
      ProblemsBesideAMock("prices:\n"
                          "  models:\n"
                          "  - {model: m, input: 2, output: 2,\n"
                          "     effective_time: 2027-01-31T00:00:00Z}\n"
                          "  - {model: m, input: 3, output: 3,\n"
                          "     effective_time: 2027-01-31T01:00:00+01:00}\n"),
      ElementsAre(HasSubstr("prices.models[1].effective_time: has its price in "
                            "prices.models[0] already")));
}

TEST(PricesValidatorTest, StepsThatContradictAreNamed) {
  EXPECT_THAT(
      ProblemsBesideAMock(
          "prices:\n"
          "  models:\n"
          "  - model: m\n"
          "    input: 1\n"
          "    output: 1\n"
          "    steps:\n"
          "    - {above_input_tokens: 200000, input: 2, output: 2}\n"
          "    - {above_input_tokens: 200000, input: 2, output: 2}\n"
          "    - {service_tier: gold, input: 2, output: 2}\n"
          "    - {service_tier: batch, input: 2}\n"),
      ElementsAre(
          HasSubstr("prices.models[0].steps[1].above_input_tokens: is that of"),
          HasSubstr("prices.models[0].steps[2].service_tier: must be batch"),
          "prices.models[0].steps[3].output: is required; free is 0"));
}

TEST(PricesValidatorTest, APresetInUseMayBeNamed) {
  const char kPrice[] =
      "prices: {models: [{model: m, kind: groq, input: 1, output: 1}]}\n";
  EXPECT_THAT(ProblemsBesideAMock(kPrice), ElementsAre(HasSubstr("kind: is")));
  EXPECT_THAT(
      ProblemsOf(absl::StrCat("providers: [{name: g, openai_compatible: "
                              "{preset: groq, api_key: 'env:KEY'}}]\n",
                              kPrice)),
      IsEmpty());
}

}  // namespace
}  // namespace gateway
