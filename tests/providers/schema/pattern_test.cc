#include "providers/schema/pattern.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

bool Matches(std::string_view pattern, std::string_view text) {
  const absl::StatusOr<Pattern> compiled = Pattern::Compile(pattern);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return compiled.ok() && compiled->Matches(text);
}

std::string PatternRefusal(std::string_view pattern) {
  const absl::StatusOr<Pattern> compiled = Pattern::Compile(pattern);
  EXPECT_EQ(compiled.status().code(), absl::StatusCode::kInvalidArgument)
      << pattern;
  return std::string(compiled.status().message());
}

TEST(PatternTest, AnyPartOfTheTextMayMatch) {
  EXPECT_TRUE(Matches("b+", "abba"));
  EXPECT_FALSE(Matches("^b+$", "abba"));
  EXPECT_TRUE(Matches("", ""));
  EXPECT_FALSE(Matches("^a$", "a\n"));
}

TEST(PatternTest, EcmaEscapesMeanWhatTheyMeanThere) {
  EXPECT_TRUE(Matches(R"(^\u00e9$)", "\u00e9"));
  EXPECT_TRUE(Matches(R"(^\ud83d\ude00$)", "\U0001f600"));
  EXPECT_TRUE(Matches(R"(^\u{1f600}$)", "\U0001f600"));
  EXPECT_TRUE(Matches(R"(^\cJ$)", "\n"));
  EXPECT_TRUE(Matches(R"(^\s$)", "\u00a0"));
  EXPECT_TRUE(Matches(R"(^[\s]$)", "\v"));
  EXPECT_FALSE(Matches(R"(^\S$)", "\u2003"));
  EXPECT_TRUE(Matches(R"(^[\s\S]+$)", "a \n"));
  EXPECT_TRUE(Matches(R"(^\/\-\.$)", "/-."));
  EXPECT_TRUE(Matches(R"(^[\b]$)", "\b"));
  EXPECT_TRUE(Matches(R"(a\b)", "a b"));
  EXPECT_TRUE(Matches(R"(^\0$)", std::string_view("\0", 1)));
  EXPECT_TRUE(Matches(R"(^\d\D\w\W$)", "1a_ "));
}

TEST(PatternTest, ClassesAndGroupsAreEcmas) {
  EXPECT_TRUE(Matches("^[^]$", "\n"));
  EXPECT_FALSE(Matches("[]", "a"));
  EXPECT_TRUE(Matches("^[[:a]+$", ":[a"));
  EXPECT_FALSE(Matches("^.$", "\u2028"));
  EXPECT_TRUE(Matches("^.$", "\u00e9"));
  EXPECT_TRUE(Matches("^(?<year>[0-9]{4})-(?:0|1)$", "2024-0"));
}

TEST(PatternTest, WhatLinearTimeCannotDoIsRefused) {
  for (const char* look : {"(?=a)", "(?!a)", "(?<=a)", "(?<!a)"}) {
    EXPECT_THAT(PatternRefusal(look), HasSubstr("ahead or behind"));
  }
  EXPECT_THAT(PatternRefusal(R"((a)\1)"), HasSubstr("a reference back"));
  EXPECT_THAT(PatternRefusal(R"(\ud83d)"), HasSubstr("surrogate"));
  EXPECT_THAT(PatternRefusal(R"(\uzzzz)"), HasSubstr("unknown escape"));
  EXPECT_THAT(PatternRefusal(R"(\q)"), HasSubstr("unknown escape"));
  EXPECT_THAT(PatternRefusal("\\"), HasSubstr("backslash"));
  EXPECT_THAT(PatternRefusal("a{1001}"), HasSubstr("not supported"));
  EXPECT_THAT(PatternRefusal("("), HasSubstr("not supported"));
  EXPECT_THAT(PatternRefusal(std::string(Pattern::kBytesMax + 1, 'a')),
              HasSubstr("longer than"));
}

TEST(PatternTest, AProgramThatWouldBeTooLargeIsRefused) {
  EXPECT_THAT(PatternRefusal("((((a{30}){30}){30}){30})"),
              HasSubstr("not supported"));
}

TEST(PatternTest, WhatBacktrackingNeverEndsIsLinear) {
  const std::string text(200'000, 'a');
  EXPECT_FALSE(Matches("^(a+)+$", text + "!"));
  EXPECT_FALSE(Matches("^(a|a)*$", text + "!"));
  EXPECT_TRUE(Matches("^(a|aa)+$", text));
}

TEST(PatternTest, LongTextsAndLargeProgramsCostMore) {
  const absl::StatusOr<Pattern> small = Pattern::Compile("a");
  const absl::StatusOr<Pattern> large = Pattern::Compile("a{500}b{400}");
  ASSERT_TRUE(small.ok() && large.ok());
  EXPECT_GT(Pattern::Cost(100'000), Pattern::Cost(10) * 100);
  EXPECT_GT(large->CostMax(10), small->CostMax(10));
}

TEST(PatternTest, ATextMayCostAVisitOfEachStateAByte) {
  // No automaton of bounded size has what the last 1000 characters were.
  const absl::StatusOr<Pattern> pattern = Pattern::Compile("a[ab]{1000}c");
  ASSERT_TRUE(pattern.ok());
  EXPECT_GT(pattern->CostMax(60'000), 60'000u * 1000 / 20);
}

}  // namespace
}  // namespace gateway
