#include "providers/dialects/json_progress.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "base/text/json.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// Asks after each `step` bytes, and compares with what the grammar says.
void ExpectAsTheGrammar(const std::string& text, size_t step) {
  JsonProgress progress;
  for (size_t size = 0; size <= text.size(); size += step) {
    const std::string_view piece(text.data(), size);
    EXPECT_EQ(progress.IsWhole(piece), CheckJson(piece).ok()) << piece;
  }
}

TEST(JsonProgressTest, SaysWhatTheGrammarSays) {
  for (const std::string text : {"",
                                 "  ",
                                 "{}",
                                 " {} ",
                                 "{}x",
                                 "{} {}",
                                 R"({"a":"}","b":[1,{"c":2}]} )",
                                 R"({"a":"\"}\\","b":"\\\"{"})",
                                 "{]",
                                 "[}",
                                 "]",
                                 "}{",
                                 R"("a\"b" )",
                                 R"("a"b)",
                                 R"("a":1)",
                                 "-12.5e+7 ",
                                 "-12.5e+7 1",
                                 "1x2",
                                 "01",
                                 "-",
                                 "+1",
                                 "1.x",
                                 "1.e5",
                                 "true",
                                 " false ",
                                 "nul",
                                 "nullx",
                                 "trux",
                                 "free text",
                                 R"({"a" 1})",
                                 R"(["a",])",
                                 ",",
                                 R"({"a":"b\)",
                                 "[[[[]]]]"}) {
    for (const size_t step : {1, 2, 3}) ExpectAsTheGrammar(text, step);
  }
}

TEST(JsonProgressTest, ReadsWhatItHasReadNoMore) {
  // Each second text is JSON, but not one that begins with the first.
  for (const std::string_view first : {R"({"a")", "[}", "{}x", "1x"}) {
    JsonProgress progress;
    EXPECT_FALSE(progress.IsWhole(first));
    EXPECT_FALSE(progress.IsWhole(R"(["replaced",12345])")) << first;
  }
}

}  // namespace
}  // namespace gateway
