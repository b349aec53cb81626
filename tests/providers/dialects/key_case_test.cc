#include "providers/dialects/key_case.h"

#include <string_view>

#include "gtest/gtest.h"

namespace gateway::wire {
namespace {

TEST(KeyCaseTest, FoldsAsGoDoes) {
  for (const std::string_view key :
       {"max_tokens", "Max_Tokens", "MAX_TOKENS", "max_to\u212aens",
        "max_token\u017f", "MAX_TO\u212aEN\u017f"}) {
    EXPECT_TRUE(IsTakenFor(key, "max_tokens")) << key;
  }
  EXPECT_TRUE(IsTakenFor("MAXTOKENS", "maxTokens"));
}

TEST(KeyCaseTest, NothingElseIsTheSame) {
  for (const std::string_view key :
       {"", "max_token", "max_tokenss", "max-tokens", "max_to\u043aens",
        "max_token\u1e9e", "max_to\xe2\x84ns", "\u017f\u017f\u017f\u017f\u017f",
        "max_tokens\u017f", "max?tokens"}) {
    EXPECT_FALSE(IsTakenFor(key, "max_tokens")) << key;
  }
  // Only letters have a case: `[` and `{` differ by the same bit.
  EXPECT_FALSE(IsTakenFor("[", "{"));
}

}  // namespace
}  // namespace gateway::wire
