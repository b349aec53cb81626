#include "service/identity/star_glob.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(StarGlobTest, WithoutStarsOnlyTheTextItselfMatches) {
  EXPECT_TRUE(MatchesStarGlob("gpt-4.1", "gpt-4.1"));
  EXPECT_FALSE(MatchesStarGlob("gpt-4.1", "gpt-4x1"));
  EXPECT_FALSE(MatchesStarGlob("gpt-4.1", "gpt-4.1-mini"));
  EXPECT_FALSE(MatchesStarGlob("gpt-4.1", "GPT-4.1"));
  EXPECT_FALSE(MatchesStarGlob("gpt-4.1", ""));
  EXPECT_FALSE(MatchesStarGlob("", "a"));
  EXPECT_TRUE(MatchesStarGlob("", ""));
}

TEST(StarGlobTest, AStarStandsForAnyTextAlsoAnEmptyOne) {
  EXPECT_TRUE(MatchesStarGlob("*", ""));
  EXPECT_TRUE(MatchesStarGlob("*", "a/b c"));
  EXPECT_TRUE(MatchesStarGlob("gpt-*", "gpt-"));
  EXPECT_TRUE(MatchesStarGlob("gpt-*", "gpt-5"));
  EXPECT_FALSE(MatchesStarGlob("gpt-*", "gpt"));
  EXPECT_TRUE(MatchesStarGlob("*-mini", "gpt-mini"));
  EXPECT_FALSE(MatchesStarGlob("*-mini", "gpt-mini-2"));
  EXPECT_TRUE(MatchesStarGlob("a**b", "ab"));
  EXPECT_TRUE(MatchesStarGlob("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(MatchesStarGlob("a*b*c", "a-c-b"));
}

TEST(StarGlobTest, PiecesDoNotShareCharacters) {
  EXPECT_FALSE(MatchesStarGlob("aba*aba", "aba"));
  EXPECT_FALSE(MatchesStarGlob("aba*aba", "ababa"));
  EXPECT_TRUE(MatchesStarGlob("aba*aba", "abaaba"));
  EXPECT_FALSE(MatchesStarGlob("*ab*bc*", "abc"));
  EXPECT_TRUE(MatchesStarGlob("*ab*bc*", "abbc"));
}

// Whether the rest of the pattern matches the rest of the text, by trying all.
bool MatchesSlowly(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return MatchesSlowly(pattern.substr(1), text) ||
           (!text.empty() && MatchesSlowly(pattern, text.substr(1)));
  }
  return !text.empty() && text[0] == pattern[0] &&
         MatchesSlowly(pattern.substr(1), text.substr(1));
}

// All texts of up to so many of the characters.
template <typename Deed>
void EachText(std::string_view characters, size_t length, std::string* text,
              const Deed& act) {
  act(*text);
  if (length == 0) return;
  for (const char c : characters) {
    text->push_back(c);
    EachText(characters, length - 1, text, act);
    text->pop_back();
  }
}

TEST(StarGlobTest, AgreesWithTryingEverything) {
  int matches = 0;
  std::string pattern;
  EachText("ab*", 5, &pattern, [&](const std::string& glob) {
    std::string text;
    EachText("ab", 6, &text, [&](const std::string& candidate) {
      const bool expected = MatchesSlowly(glob, candidate);
      matches += expected ? 1 : 0;
      ASSERT_EQ(MatchesStarGlob(glob, candidate), expected)
          << glob << " " << candidate;
    });
  });
  EXPECT_GT(matches, 1000);
}

// What makes a matcher that goes back try for longer than the universe is old.
TEST(StarGlobTest, AHostilePatternTakesNoLongerThanAnother) {
  std::string pattern;
  for (int i = 0; i < 5000; ++i) pattern += "*a";
  pattern += "*b";
  EXPECT_FALSE(MatchesStarGlob(pattern, std::string(1000000, 'a')));
}

}  // namespace
}  // namespace gateway
