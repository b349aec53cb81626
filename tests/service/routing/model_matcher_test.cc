#include "service/routing/model_matcher.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ModelRule;

ModelMatcher Prefix(const std::string& text) {
  ModelRule rule;
  rule.set_prefix(text);
  return ModelMatcher(rule);
}

TEST(ModelMatcherTest, AnAliasOrExactNameIsTheWholeName) {
  ModelRule alias;
  alias.set_alias("fast");
  ModelRule exact;
  exact.set_exact("fast");
  for (const ModelRule& rule : {alias, exact}) {
    const ModelMatcher matcher(rule);
    EXPECT_TRUE(matcher.Matches("fast"));
    EXPECT_FALSE(matcher.Matches("fas"));
    EXPECT_FALSE(matcher.Matches("faster"));
    EXPECT_FALSE(matcher.Matches("Fast"));
    EXPECT_FALSE(matcher.Matches(""));
    EXPECT_EQ(matcher.text(), "fast");
  }
}

TEST(ModelMatcherTest, APrefixIsTheBeginning) {
  EXPECT_TRUE(Prefix("gpt-").Matches("gpt-"));
  EXPECT_TRUE(Prefix("gpt-").Matches("gpt-5-mini"));
  EXPECT_FALSE(Prefix("gpt-").Matches("gpt"));
  EXPECT_FALSE(Prefix("gpt-").Matches("my-gpt-5"));
  EXPECT_FALSE(Prefix("gpt-").Matches("GPT-5"));
}

TEST(ModelMatcherTest, AGlobIsTheWholeName) {
  ModelRule rule;
  rule.set_glob("claude-*-latest");
  const ModelMatcher matcher(rule);
  EXPECT_TRUE(matcher.Matches("claude-opus-latest"));
  EXPECT_TRUE(matcher.Matches("claude--latest"));
  EXPECT_FALSE(matcher.Matches("claude-latest"));
  EXPECT_FALSE(matcher.Matches("claude-opus-latest-1"));
}

TEST(MatchesGlobTest, AQuestionMarkIsOneCharacterHoweverManyBytes) {
  EXPECT_TRUE(MatchesGlob("gpt-?", "gpt-5"));
  EXPECT_FALSE(MatchesGlob("gpt-?", "gpt-"));
  EXPECT_FALSE(MatchesGlob("gpt-?", "gpt-45"));
  EXPECT_TRUE(MatchesGlob("?", "é"));
  EXPECT_FALSE(MatchesGlob("??", "é"));
  EXPECT_TRUE(MatchesGlob("*?b", "日b"));
  EXPECT_FALSE(MatchesGlob("*??b", "日b"));
  EXPECT_TRUE(MatchesGlob("?*", "日本"));
}

TEST(MatchesGlobTest, OtherSignsOfShellsMeanThemselves) {
  EXPECT_TRUE(MatchesGlob("[a-z]\\*", "[a-z]\\x"));
  EXPECT_FALSE(MatchesGlob("[a-z]", "b"));
  EXPECT_TRUE(MatchesGlob("{a,b}", "{a,b}"));
}

// The definition, without a thought for time.
bool ByDefinition(std::string_view glob, std::string_view text) {
  if (glob.empty()) return text.empty();
  if (glob.front() == '*') {
    for (size_t taken = 0; taken <= text.size(); ++taken) {
      if (ByDefinition(glob.substr(1), text.substr(taken))) return true;
    }
    return false;
  }
  if (text.empty()) return false;
  return (glob.front() == '?' || glob.front() == text.front()) &&
         ByDefinition(glob.substr(1), text.substr(1));
}

std::string Draw(FakeRandom& random, std::string_view letters, int max) {
  std::string drawn;
  for (uint64_t i = random.Below(max + 1); i > 0; --i) {
    drawn += letters[random.Below(letters.size())];
  }
  return drawn;
}

TEST(MatchesGlobTest, AgreesWithTheDefinition) {
  FakeRandom random{20260102};
  int matches = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string glob = Draw(random, "ab*?", 7);
    const std::string text = Draw(random, "ab", 8);
    const bool expected = ByDefinition(glob, text);
    ASSERT_EQ(MatchesGlob(glob, text), expected) << glob << " on " << text;
    matches += expected;
  }
  // Neither all nor nothing, so that both sides were seen.
  EXPECT_GT(matches, 20'000);
  EXPECT_LT(matches, 180'000);
}

TEST(MatchesGlobTest, TakesNoExponentialTime) {
  std::string glob;
  for (int i = 0; i < 100; ++i) glob += "a*";
  EXPECT_FALSE(MatchesGlob(glob + "b", std::string(10'000, 'a')));
}

}  // namespace
}  // namespace gateway
