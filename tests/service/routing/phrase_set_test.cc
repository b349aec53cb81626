#include "service/routing/phrase_set.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

TEST(PhraseSetTest, FindsThePhraseThatWasGivenFirstWhereverItStands) {
  const PhraseSet phrases({"opus", "sonnet", "son"});
  EXPECT_EQ(phrases.FindFirst("opus"), 0u);
  EXPECT_EQ(phrases.FindFirst("sonnet and opus"), 0u);
  EXPECT_EQ(phrases.FindFirst("a sonnet"), 1u);
  EXPECT_EQ(phrases.FindFirst("sonne"), 2u);
  EXPECT_EQ(phrases.FindFirst("opu"), std::nullopt);
  EXPECT_EQ(phrases.FindFirst(""), std::nullopt);
}

TEST(PhraseSetTest, CaseIsThatOfAscii) {
  const PhraseSet phrases({"Code Review", "é"});
  EXPECT_EQ(phrases.FindFirst("a CODE rEVIEW."), 0u);
  EXPECT_EQ(phrases.FindFirst("é"), 1u);
  EXPECT_EQ(phrases.FindFirst("É"), std::nullopt);
  // '@' and '[' stand beside the capital letters, '`' and '{' beside the small.
  EXPECT_EQ(PhraseSet({"@["}).FindFirst("`{"), std::nullopt);
  EXPECT_EQ(PhraseSet({"az"}).FindFirst("AZ"), 0u);
}

TEST(PhraseSetTest, PhrasesOverlapAndContainEachOther) {
  EXPECT_EQ(PhraseSet({"abab", "b"}).FindFirst("ababab"), 0u);
  EXPECT_EQ(PhraseSet({"abd", "bc"}).FindFirst("abc"), 1u);
  EXPECT_EQ(PhraseSet({"abcd", "bcx", "c"}).FindFirst("abcx"), 1u);
  EXPECT_EQ(PhraseSet({"aab"}).FindFirst("aaab"), 0u);
  EXPECT_EQ(PhraseSet({"x", "x"}).FindFirst("x"), 0u);
}

TEST(PhraseSetTest, EmptyPhrasesAreInNoText) {
  EXPECT_EQ(PhraseSet({}).FindFirst("x"), std::nullopt);
  EXPECT_EQ(PhraseSet({""}).FindFirst("x"), std::nullopt);
  EXPECT_EQ(PhraseSet({"", "x"}).FindFirst("x"), 1u);
}

TEST(PhraseSetTest, EveryByteCanBeInAPhrase) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const PhraseSet phrases({all, all.substr(250)});
  EXPECT_EQ(phrases.FindFirst("." + all + "."), 0u);
  EXPECT_EQ(phrases.FindFirst(all.substr(1)), 1u);
  EXPECT_EQ(phrases.FindFirst(all.substr(0, 255)), std::nullopt);
}

std::string ToLowerText(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(c));
  return text;
}

TEST(PhraseSetTest, AgreesWithOneSearchAfterAnother) {
  FakeRandom random{41};
  const auto draw = [&random](int max) {
    std::string text;
    for (uint64_t i = random.Below(max + 1); i > 0; --i) {
      text += "aAbBc "[random.Below(6)];
    }
    return text;
  };
  int found = 0;
  constexpr int kTexts = 50'000;
  for (int round = 0; round < kTexts / 50; ++round) {
    std::vector<std::string> texts;
    for (uint64_t i = random.Below(6); i > 0; --i) texts.push_back(draw(5));
    const PhraseSet phrases(
        std::vector<std::string_view>(texts.begin(), texts.end()));
    for (int i = 0; i < 50; ++i) {
      const std::string text = draw(12);
      std::optional<size_t> expected;
      for (size_t p = texts.size(); p-- > 0;) {
        if (texts[p].empty()) continue;
        if (ToLowerText(text).find(ToLowerText(texts[p])) !=
            std::string::npos) {
          expected = p;
        }
      }
      ASSERT_EQ(phrases.FindFirst(text), expected) << text;
      found += expected.has_value();
    }
  }
  // Neither all nor nothing, so that both sides were seen.
  EXPECT_GT(found, kTexts / 5);
  EXPECT_LT(found, kTexts * 4 / 5);
}

}  // namespace
}  // namespace gateway
