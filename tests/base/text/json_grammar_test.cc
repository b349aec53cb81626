#include "base/text/json_grammar.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(JsonGrammarTest, AcceptsExactlyOneValue) {
  EXPECT_TRUE(CheckJson(" 1 ").ok());
  EXPECT_TRUE(CheckJson("{\"a\":[true,false,null]}").ok());
  EXPECT_FALSE(CheckJson("").ok());
  EXPECT_FALSE(CheckJson("1,\"model\":2").ok());
  EXPECT_FALSE(CheckJson("1}").ok());
  EXPECT_FALSE(CheckJson("[[1]]", 1).ok());
  EXPECT_TRUE(CheckJson("[[1]]", 2).ok());
}

TEST(JsonGrammarTest, RefusesWhatIsAlmostJson) {
  for (const std::string_view text : {"{\"a\" 1}",
                                      "[1,]",
                                      "{\"a\":}",
                                      "tru",
                                      "01",
                                      "1.",
                                      "1e",
                                      "-",
                                      "+1",
                                      ".5",
                                      "{\"a\":1 \"b\":2}",
                                      "{,}",
                                      "\"\\x\"",
                                      "\"\\u12g4\"",
                                      "'a'",
                                      "\"\n\"",
                                      "[1",
                                      "\"a",
                                      "{\"a",
                                      "NaN"}) {
    EXPECT_FALSE(CheckJson(text).ok()) << text;
  }
}

TEST(JsonGrammarTest, BoundsTheDepth) {
  const auto nested = [](int depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(CheckJson(nested(kJsonDepthLimit)).ok());
  EXPECT_FALSE(CheckJson(nested(kJsonDepthLimit + 1)).ok());
  EXPECT_FALSE(CheckJson(std::string(1 << 20, '[')).ok());
}

}  // namespace
}  // namespace gateway
