#include "service/routing/model_rule_index.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "service/routing/model_matcher.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using Match = ModelRuleIndex::Match;
using Rule = ModelRuleIndex::Rule;

// The rules that match, in the order in which they are found.
std::vector<size_t> AllOf(const ModelRuleIndex& index, std::string_view model) {
  std::vector<size_t> found;
  for (std::optional<size_t> rule = index.Find(model); rule.has_value();
       rule = index.Find(model, *rule + 1)) {
    found.push_back(*rule);
  }
  return found;
}

using Numbers = std::vector<size_t>;

TEST(ModelRuleIndexTest, FindsTheFirstOfEveryKind) {
  const ModelRuleIndex index({{Match::kExact, "fast"},
                              {Match::kPrefix, "gpt-"},
                              {Match::kGlob, "*-large"},
                              {Match::kExact, "gpt-5-large"},
                              {Match::kGlob, "claude-*-latest"},
                              {Match::kGlob, "claude-?"}});
  EXPECT_EQ(AllOf(index, "fast"), Numbers({0}));
  EXPECT_EQ(AllOf(index, "faster"), Numbers());
  EXPECT_EQ(AllOf(index, "fas"), Numbers());
  EXPECT_EQ(AllOf(index, "gpt-5-large"), Numbers({1, 2, 3}));
  EXPECT_EQ(AllOf(index, "gpt-"), Numbers({1}));
  EXPECT_EQ(AllOf(index, "gpt"), Numbers());
  EXPECT_EQ(AllOf(index, "-large"), Numbers({2}));
  EXPECT_EQ(AllOf(index, "claude-x-latest"), Numbers({4}));
  EXPECT_EQ(AllOf(index, "claude-x-latest1"), Numbers());
  EXPECT_EQ(AllOf(index, "claude-5"), Numbers({5}));
  EXPECT_EQ(AllOf(index, ""), Numbers());
}

TEST(ModelRuleIndexTest, TheOrderIsTheConfigurationsAndNotThatOfTheKinds) {
  const ModelRuleIndex index({{Match::kGlob, "*"},
                              {Match::kPrefix, "gpt-5-"},
                              {Match::kPrefix, "gpt-"},
                              {Match::kExact, "gpt-5-mini"},
                              {Match::kPrefix, "gpt-5-"}});
  EXPECT_EQ(AllOf(index, "gpt-5-mini"), Numbers({0, 1, 2, 3, 4}));
  EXPECT_EQ(AllOf(index, "gpt-4"), Numbers({0, 2}));
  EXPECT_EQ(index.Find("gpt-5-mini", 1), 1u);
  EXPECT_EQ(index.Find("gpt-5-mini", 4), 4u);
  EXPECT_EQ(index.Find("gpt-5-mini", 5), std::nullopt);
}

TEST(ModelRuleIndexTest, BeginningAndEndMayNotOverlap) {
  const ModelRuleIndex index(
      {{Match::kGlob, "ab*ba"}, {Match::kGlob, "ab**ba"}});
  EXPECT_EQ(AllOf(index, "abba"), Numbers({0, 1}));
  EXPECT_EQ(AllOf(index, "aba"), Numbers());
  EXPECT_EQ(AllOf(index, "ab-ba"), Numbers({0, 1}));
  // Both are decided by their ends.
  EXPECT_EQ(index.compared_globs_max(), 0u);
}

TEST(ModelRuleIndexTest, EmptyTextsAndNoRules) {
  const ModelRuleIndex none({});
  EXPECT_EQ(none.Find(""), std::nullopt);
  EXPECT_EQ(none.Find("x"), std::nullopt);
  const ModelRuleIndex index({{Match::kExact, ""},
                              {Match::kPrefix, ""},
                              {Match::kGlob, ""},
                              {Match::kGlob, "?"}});
  EXPECT_EQ(AllOf(index, ""), Numbers({0, 1, 2}));
  EXPECT_EQ(AllOf(index, "x"), Numbers({1, 3}));
  EXPECT_EQ(AllOf(index, "é"), Numbers({1, 3}));
}

TEST(ModelRuleIndexTest, OutlivesTheRulesAndCanBeMoved) {
  std::vector<std::string> texts = {"exact", "pre", "a*z", "a?z"};
  ModelRuleIndex index({{Match::kExact, texts[0]},
                        {Match::kPrefix, texts[1]},
                        {Match::kGlob, texts[2]},
                        {Match::kGlob, texts[3]}});
  for (std::string& text : texts) text.assign(text.size(), '#');
  const ModelRuleIndex moved = std::move(index);
  EXPECT_EQ(AllOf(moved, "exact"), Numbers({0}));
  EXPECT_EQ(AllOf(moved, "prefix"), Numbers({1}));
  EXPECT_EQ(AllOf(moved, "abz"), Numbers({2, 3}));
}

TEST(ModelRuleIndexTest, SaysHowManyGlobsOneNameCanMeet) {
  EXPECT_EQ(ModelRuleIndex({{Match::kGlob, "*a*"}}).compared_globs_max(), 1u);
  EXPECT_EQ(ModelRuleIndex({{Match::kGlob, "a*z"}, {Match::kGlob, "*"}})
                .compared_globs_max(),
            0u);
  // One name cannot begin with both.
  EXPECT_EQ(ModelRuleIndex({{Match::kGlob, "a?*"}, {Match::kGlob, "b?*"}})
                .compared_globs_max(),
            1u);
  EXPECT_EQ(ModelRuleIndex({{Match::kGlob, "a?*"}, {Match::kGlob, "ab?*"}})
                .compared_globs_max(),
            2u);
  EXPECT_EQ(ModelRuleIndex({{Match::kGlob, "a?x"}, {Match::kGlob, "a?y"}})
                .compared_globs_max(),
            1u);
  EXPECT_EQ(
      ModelRuleIndex(
          {{Match::kGlob, "a?x"}, {Match::kGlob, "a?yx"}, {Match::kGlob, "?"}})
          .compared_globs_max(),
      3u);
}

// What the index must agree with: one rule after another.
class OneByOne {
 public:
  void Add(Match match, const std::string& text) {
    llmgateway::config::v1::ModelRule rule;
    if (match == Match::kExact) rule.set_exact(text);
    if (match == Match::kPrefix) rule.set_prefix(text);
    if (match == Match::kGlob) rule.set_glob(text);
    matchers_.emplace_back(rule);
  }

  std::optional<size_t> Find(std::string_view model, size_t from) const {
    for (size_t i = from; i < matchers_.size(); ++i) {
      if (matchers_[i].Matches(model)) return i;
    }
    return std::nullopt;
  }

 private:
  std::vector<ModelMatcher> matchers_;
};

std::string DrawText(FakeRandom& random, std::string_view letters, int max) {
  std::string drawn;
  for (uint64_t i = random.Below(max + 1); i > 0; --i) {
    drawn += letters[random.Below(letters.size())];
  }
  return drawn;
}

TEST(ModelRuleIndexTest, AgreesWithOneRuleAfterAnother) {
  FakeRandom random{20261121};
  int matches = 0;
  int misses = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<std::string> texts;
    std::vector<Rule> rules;
    OneByOne model;
    const size_t count = random.Below(40);
    texts.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      const Match match = static_cast<Match>(random.Below(3));
      texts.push_back(
          DrawText(random, match == Match::kGlob ? "aab*?" : "ab*\xff", 6));
      rules.push_back({match, texts.back()});
      model.Add(match, texts.back());
    }
    const ModelRuleIndex index(rules);
    for (int i = 0; i < 200; ++i) {
      const std::string name = DrawText(random, "aab\xff", 8);
      for (size_t from = 0; from <= count; from += 1 + random.Below(3)) {
        const std::optional<size_t> expected = model.Find(name, from);
        ASSERT_EQ(index.Find(name, from), expected)
            << "round " << round << ", '" << name << "' from " << from;
        ++(expected.has_value() ? matches : misses);
      }
    }
  }
  // Neither all nor nothing, so that both sides were seen.
  EXPECT_GT(matches, 100'000);
  EXPECT_GT(misses, 100'000);
}

TEST(ModelRuleIndexTest, TenThousandRulesAgreeToo) {
  FakeRandom random{7};
  std::vector<std::string> texts;
  std::vector<Rule> rules;
  OneByOne model;
  texts.reserve(10'000);
  for (int i = 0; i < 10'000; ++i) {
    const Match match = static_cast<Match>(i % 3);
    std::string text = DrawText(random, "abcdefgh-", 8);
    if (match == Match::kGlob) {
      text += "*" + DrawText(random, "abcdefgh-", 3);
      if (i % 60 == 2) text.insert(random.Below(text.size()), "?");
    } else {
      text += DrawText(random, "abcdefgh-", 8) + "xy";
    }
    texts.push_back(text);
    rules.push_back({match, texts.back()});
    model.Add(match, text);
  }
  const ModelRuleIndex index(rules);
  for (int i = 0; i < 500; ++i) {
    const std::string name = i % 2 == 0
                                 ? DrawText(random, "abcdefgh-xy", 20)
                                 : texts[random.Below(texts.size())] + "ab";
    for (const size_t from : {0, 1, 50, 5'000, 9'999}) {
      ASSERT_EQ(index.Find(name, from), model.Find(name, from))
          << name << " from " << from;
    }
  }
}

}  // namespace
}  // namespace gateway
