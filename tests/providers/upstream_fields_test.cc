#include "providers/upstream_fields.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http/http_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/head_only.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::map<std::string, std::string> Told(const UpstreamFields& fields) {
  std::map<std::string, std::string> told;
  FieldViews views;
  for (const HttpField& field : fields.View(views)) {
    told[std::string(field.name)] = std::string(field.value);
  }
  return told;
}

TEST(UpstreamFieldsTest, TakesTheIdAndTheRateLimitsInOurNames) {
  UpstreamFields fields;
  fields.Take(HeadOnly({{"Content-Type", "application/json"},
                        {"X-Request-Id", "req_1"},
                        {"apim-request-id", "azure"},
                        {"X-RateLimit-Remaining-Tokens", "9"},
                        {"anthropic-ratelimit-tokens-reset", "soon"},
                        {"x-secret", "s"},
                        {"authorization", "no"}}));
  EXPECT_EQ(fields.request_id(), "req_1");
  EXPECT_THAT(
      Told(fields),
      ElementsAre(
          Pair("x-llmgateway-upstream-anthropic-ratelimit-tokens-reset",
               "soon"),
          Pair("x-llmgateway-upstream-ratelimit-remaining-tokens", "9"),
          Pair("x-llmgateway-upstream-request-id", "req_1")));
}

TEST(UpstreamFieldsTest, TellsNamesInLowerCaseAndLeavesWhatIsNoLetter) {
  UpstreamFields fields;
  const HttpField field{"X-RATELIMIT-AZ^_`09-Some-Quota-Zone!", "1"};
  fields.Take(HeadOnly(std::vector<HttpField>{field}));
  EXPECT_THAT(Told(fields),
              ElementsAre(Pair("x-llmgateway-upstream-ratelimit-az^_`09-some-"
                               "quota-zone!",
                               "1")));
}

TEST(UpstreamFieldsTest, TakesNothingThatIsLongOrNotText) {
  UpstreamFields fields;
  const std::string long_value(UpstreamFields::kValueBytesLimit + 1, 'v');
  const std::string long_name =
      "x-ratelimit-" + std::string(UpstreamFields::kNameBytesLimit, 'n');
  fields.Take(HeadOnly({{"x-ratelimit-a", long_value},
                        {"x-ratelimit-b", "\xff"},
                        {"x-ratelimit-c", ""},
                        {long_name, "v"}}));
  EXPECT_TRUE(fields.empty());
}

TEST(UpstreamFieldsTest, TakesSoManyAndForgetsThemWithTheNextAnswer) {
  UpstreamFields fields;
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) {
    names.push_back("x-ratelimit-" + std::to_string(i));
  }
  std::vector<HttpField> head;
  for (const std::string& name : names) head.push_back({name, "1"});
  fields.Take(HeadOnly(head));
  EXPECT_EQ(Told(fields).size(),
            static_cast<size_t>(UpstreamFields::kFieldsLimit));
  const std::vector<HttpField> next = {{"request-id", "req_2"}};
  fields.Take(HeadOnly(next));
  EXPECT_EQ(Told(fields).size(), 1u);
  EXPECT_EQ(fields.request_id(), "req_2");
}

}  // namespace
}  // namespace gateway
