#include "providers/schema/assertions.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/schema/json_tree.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> AssertionErrors(std::string_view keywords,
                                         std::string_view value) {
  const auto assertions = Assertions::Compile(*ReadJsonTree(keywords));
  EXPECT_TRUE(assertions.ok()) << assertions.status();
  if (!assertions.ok()) return {"not compiled"};
  std::vector<std::string> errors;
  const JsonTree tree = *ReadJsonTree(value);
  const bool fits = (*assertions)->Validate(tree, &errors);
  EXPECT_EQ(fits, errors.empty());
  EXPECT_EQ((*assertions)->Validate(tree, nullptr), fits);
  return errors;
}

TEST(AssertionsTest, WhatIsRequiredAndMissingIsNamed) {
  EXPECT_THAT(AssertionErrors(R"({"required": ["a", "b"]})", R"({"a": 1})"),
              ElementsAre("missing required property 'b'"));
  EXPECT_THAT(AssertionErrors(R"({"required": ["a"]})", "7"), IsEmpty());
}

TEST(AssertionsTest, ValuesAreComparedAndBounded) {
  EXPECT_THAT(AssertionErrors(R"({"enum": [1, "a", [2]]})", "[2]"), IsEmpty());
  EXPECT_THAT(AssertionErrors(R"({"enum": [1, "a", [2]]})", "[3]"), SizeIs(1));
  EXPECT_THAT(
      AssertionErrors(R"({"const": {"a": 1, "b": 2}})", R"({"b": 2, "a": 1})"),
      IsEmpty());
  EXPECT_THAT(AssertionErrors(R"({"minimum": 1, "exclusiveMaximum": 2})", "2"),
              SizeIs(1));
  EXPECT_THAT(AssertionErrors(R"({"minimum": 1, "exclusiveMaximum": 2})", "1"),
              IsEmpty());
  EXPECT_THAT(AssertionErrors(R"({"minItems": 1, "maxItems": 2})", "[]"),
              SizeIs(1));
  EXPECT_THAT(AssertionErrors(R"({"maxProperties": 0})", R"({"a": 1})"),
              SizeIs(1));
  EXPECT_THAT(
      AssertionErrors(R"({"dependencies": {"a": ["b"]}})", R"({"a": 1})"),
      SizeIs(1));
}

TEST(AssertionsTest, AKeywordOfTheWrongTypeIsRefused) {
  for (const char* keywords :
       {R"({"minItems": -1})", R"({"maxProperties": "a"})",
        R"({"required": [1]})", R"({"maximum": []})"}) {
    EXPECT_EQ(Assertions::Compile(*ReadJsonTree(keywords)).status().code(),
              absl::StatusCode::kInvalidArgument)
        << keywords;
  }
}

TEST(AssertionsTest, ItKnowsItsKeywords) {
  for (const char* keyword : {"const", "enum", "maximum", "maxItems",
                              "required", "exclusiveMinimum"}) {
    EXPECT_TRUE(Assertions::Knows(keyword)) << keyword;
  }
  for (const char* keyword : {"pattern", "maxLength", "format", "$ref"}) {
    EXPECT_FALSE(Assertions::Knows(keyword)) << keyword;
  }
}

}  // namespace
}  // namespace gateway
