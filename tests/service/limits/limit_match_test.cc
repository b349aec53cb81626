#include "service/limits/limit_match.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/limit_subject.h"
#include "tests/service/limits/limit_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

LimitMatch Match(const std::string& text) {
  return LimitMatch(Limit("name: \"x\" match { " + text + " }").match());
}

class LimitMatchTest : public testing::Test {
 protected:
  LimitMatchTest() {
    subject_.Set(config::LIMIT_DIMENSION_CALLER, "search");
    subject_.Set(config::LIMIT_DIMENSION_OWNER, "team-a");
    subject_.Set(config::LIMIT_DIMENSION_MODEL, "gpt-5-mini");
    subject_.Set(config::LIMIT_DIMENSION_PROVIDER, "openai");
    subject_.Set(config::LIMIT_DIMENSION_API, "anthropic");
    subject_.SetLabels(&labels_);
  }

  const LimitSubject::Labels labels_ = {{"env", "prod"}, {"team", "a"}};
  LimitSubject subject_{kTestSecret};
};

TEST_F(LimitMatchTest, WithoutAnythingItMatchesAll) {
  EXPECT_TRUE(Match("").Matches(subject_));
  EXPECT_TRUE(Match("").Matches(LimitSubject(kTestSecret)));
}

TEST_F(LimitMatchTest, EachListMustHaveAnEntry) {
  EXPECT_TRUE(Match(R"(callers: "batch" callers: "search")").Matches(subject_));
  EXPECT_FALSE(Match(R"(callers: "batch")").Matches(subject_));
  EXPECT_TRUE(Match(R"(owners: "team-a")").Matches(subject_));
  EXPECT_FALSE(Match(R"(owners: "team-b")").Matches(subject_));
  EXPECT_FALSE(Match(R"(models: "gpt-5")").Matches(subject_));
  EXPECT_FALSE(Match(R"(providers: "azure")").Matches(subject_));
  EXPECT_FALSE(Match(R"(apis: "openai")").Matches(subject_));
  EXPECT_TRUE(
      Match(R"(apis: "anthropic" providers: "openai")").Matches(subject_));
  EXPECT_FALSE(
      Match(R"(apis: "anthropic" providers: "azure")").Matches(subject_));
}

TEST_F(LimitMatchTest, AStarStandsForAnyText) {
  EXPECT_TRUE(Match(R"(models: "gpt-*")").Matches(subject_));
  EXPECT_TRUE(Match(R"(models: "*mini")").Matches(subject_));
  EXPECT_TRUE(Match(R"(models: "g*5*ini")").Matches(subject_));
  EXPECT_TRUE(Match(R"(models: "*")").Matches(subject_));
  EXPECT_FALSE(Match(R"(models: "gpt-4*")").Matches(subject_));
  EXPECT_FALSE(Match(R"(models: "*5")").Matches(subject_));
  // Pieces must not overlap.
  EXPECT_FALSE(Match(R"(callers: "sear*arch")").Matches(subject_));
}

TEST_F(LimitMatchTest, TheCallersKeyMustHaveEachLabel) {
  EXPECT_TRUE(
      Match(R"(labels { key: "env" value: "prod" })").Matches(subject_));
  EXPECT_FALSE(
      Match(R"(labels { key: "env" value: "test" })").Matches(subject_));
  EXPECT_FALSE(Match(R"(labels { key: "env" value: "prod" }
                        labels { key: "zone" value: "1" })")
                   .Matches(subject_));
  EXPECT_FALSE(Match(R"(labels { key: "env" value: "prod" })")
                   .Matches(LimitSubject(kTestSecret)));
}

TEST_F(LimitMatchTest, OnlyModelsAndProvidersAreOfATarget) {
  EXPECT_TRUE(Match(R"(models: "a")").names_target());
  EXPECT_TRUE(Match(R"(providers: "a")").names_target());
  EXPECT_FALSE(Match(R"(callers: "a" owners: "b" apis: "c")").names_target());
}

}  // namespace
}  // namespace gateway
