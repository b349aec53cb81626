#include "service/audit/redaction/json_path.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// `way` is members and, as "#", elements.
bool Names(std::string_view path, const std::vector<std::string>& way) {
  const auto parsed = JsonPath::Parse(path);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  JsonPath::Place place = parsed->Root();
  for (const std::string& step : way) {
    place = step == "#" ? parsed->Into(place) : parsed->Into(place, step);
  }
  return parsed->Names(place);
}

TEST(JsonPathTest, MembersAreNamedByTheirNames) {
  EXPECT_TRUE(Names("metadata.user_id", {"metadata", "user_id"}));
  EXPECT_FALSE(Names("metadata.user_id", {"metadata"}));
  EXPECT_FALSE(Names("metadata.user_id", {"metadata", "user"}));
  EXPECT_FALSE(Names("metadata.user_id", {"metadata", "user_id", "x"}));
  EXPECT_FALSE(Names("metadata.user_id", {"metadata", "#", "user_id"}));
}

TEST(JsonPathTest, OneStarIsOneMemberOrElement) {
  EXPECT_TRUE(Names("messages.*.content", {"messages", "#", "content"}));
  EXPECT_TRUE(Names("messages.*.content", {"messages", "x", "content"}));
  EXPECT_FALSE(Names("messages.*.content", {"messages", "content"}));
}

TEST(JsonPathTest, TwoStarsAreAnyNumberAndNone) {
  EXPECT_TRUE(Names("**.password", {"password"}));
  EXPECT_TRUE(Names("**.password", {"a", "#", "b", "password"}));
  EXPECT_FALSE(Names("**.password", {"a", "passwords"}));
  EXPECT_TRUE(Names("a.**.b", {"a", "b"}));
  EXPECT_TRUE(Names("a.**.b", {"a", "b", "b"}));
  EXPECT_TRUE(Names("a.**", {"a"}));
}

TEST(JsonPathTest, PathsThatNameNothingAreRefused) {
  for (const std::string_view path : {"", ".a", "a.", "a..b"}) {
    const auto parsed = JsonPath::Parse(path);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(parsed.status().message(), HasSubstr("empty step"));
  }
  std::string longest = "a";
  for (size_t i = 1; i < JsonPath::kStepsMax; ++i) longest += ".a";
  EXPECT_TRUE(JsonPath::Parse(longest).ok());
  EXPECT_THAT(JsonPath::Parse(longest + ".a").status().message(),
              HasSubstr("32 steps"));
}

}  // namespace
}  // namespace gateway
