#include "clients/cli/operator_words.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kAddFlags[] = {"--name", "--size"};
constexpr OperatorVerb kVerbs[] = {
    {"add", kAddFlags}, {"list", {}}, {"drop", {}}};
constexpr OperatorCommand kThings = {"things", kVerbs};

std::string MistakeIn(const OperatorWords& words) {
  return std::string(CheckWords(kThings, words).message());
}

TEST(OperatorWordsTest, AFlagBelongsToWhatIsDone) {
  EXPECT_EQ(MistakeIn({.words = {"add", "x"}, .flags = {{"--size", "3"}}}), "");
  EXPECT_THAT(MistakeIn({.words = {"list"}, .flags = {{"--size", "3"}}}),
              HasSubstr("--size is not for things list"));
  EXPECT_TRUE(IsFlagOf(kThings, "--size"));
  EXPECT_TRUE(IsFlagOf(kThings, "--output"));
  EXPECT_FALSE(IsFlagOf(kThings, "--colour"));
}

TEST(OperatorWordsTest, WhatThereIsToDoIsNamed) {
  EXPECT_EQ(MistakeIn({.words = {"grow"}}),
            "things takes add, list or drop, not 'grow'");
  EXPECT_EQ(MistakeIn({}), "things takes add, list or drop, not ''");
}

TEST(OperatorWordsTest, TheLastOfAFlagCounts) {
  const OperatorWords words = {
      .flags = {{"--size", "3"}, {"--name", "a"}, {"--size", "4"}}};
  EXPECT_EQ(LastOf(words, "--size"), "4");
  EXPECT_EQ(LastOf(words, "--none"), "");
}

}  // namespace
}  // namespace gateway
