#include "providers/dialects/json_progress.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "base/text/json.h"
#include "base/text/json_grammar.h"
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

std::string Completed(std::string_view text) { return CompleteJson(text).json; }

TEST(JsonPrefixTest, WhatIsWholeStaysAsItIs) {
  for (const std::string_view text :
       {"{}", "[]", R"({"a":[1,-2.5e3,true,null,"b\n\u00e9"],"c":{"d":{}}})",
        " { \"a\" : [ ] }"}) {
    EXPECT_EQ(Completed(text), text);
  }
  EXPECT_EQ(Completed("{\"a\":1}\n"), "{\"a\":1}");
}

TEST(JsonPrefixTest, WhatIsOpenIsClosed) {
  EXPECT_EQ(Completed("{"), "{}");
  EXPECT_EQ(Completed("["), "[]");
  EXPECT_EQ(Completed(R"({"a":[{"b":[1,)"), R"({"a":[{"b":[1]}]})");
  EXPECT_EQ(Completed(R"({"a":{"b":"c"},)"), R"({"a":{"b":"c"}})");
  EXPECT_EQ(Completed(R"({"a":"tex)"), R"({"a":"tex"})");
  EXPECT_EQ(Completed(R"({"a":")"), R"({"a":""})");
  EXPECT_EQ(Completed(R"(["tex)"), R"(["tex"])");
}

TEST(JsonPrefixTest, AKeyWithoutItsValueIsLeftOut) {
  for (const std::string_view rest :
       {",", ",\"", ",\"ke", ",\"key\"", ",\"key\":", ",\"key\": "}) {
    EXPECT_EQ(Completed("{\"a\":1" + std::string(rest)), "{\"a\":1}") << rest;
  }
}

TEST(JsonPrefixTest, WhatMayHaveGoneOnIsLeftOut) {
  for (const std::string_view rest : {"7", "70", "-", "1e", "tru", "null"}) {
    EXPECT_EQ(Completed("{\"a\":1,\"b\":" + std::string(rest)), "{\"a\":1}");
    EXPECT_EQ(Completed("[1," + std::string(rest)), "[1]");
  }
  EXPECT_EQ(Completed("{\"a\":1,\"b\":70,"), "{\"a\":1,\"b\":70}");
}

TEST(JsonPrefixTest, ATextEndsWithAWholeCharacter) {
  EXPECT_EQ(Completed("{\"a\":\"x\\"), R"({"a":"x"})");
  EXPECT_EQ(Completed("{\"a\":\"x\\\""), R"({"a":"x\""})");
  EXPECT_EQ(Completed("{\"a\":\"x\\u00e"), R"({"a":"x"})");
  EXPECT_EQ(Completed("{\"a\":\"x\\ud83d"), R"({"a":"x"})");
  EXPECT_EQ(Completed("{\"a\":\"x\\ud83d\\ude0"), R"({"a":"x"})");
  EXPECT_EQ(Completed("{\"a\":\"x\\ud83d\\ude00"), R"({"a":"x\ud83d\ude00"})");
  EXPECT_EQ(Completed("{\"a\":\"x\xE4\xBD"), R"({"a":"x"})");
  EXPECT_EQ(Completed("{\"a\":\"x\xE4\xBD\xA0"), "{\"a\":\"x\xE4\xBD\xA0\"}");
}

TEST(JsonPrefixTest, WhatIsNoJsonEndsIt) {
  EXPECT_EQ(Completed(R"({"a":1,"b":nul,"c":2})"), R"({"a":1})");
  EXPECT_EQ(Completed(R"({"a":1 "b":2})"), R"({"a":1})");
  EXPECT_EQ(Completed(R"({"a":[1}])"), R"({"a":[1]})");
  EXPECT_EQ(Completed(R"({"a":1}}{)"), R"({"a":1})");
  EXPECT_EQ(Completed("{\"a\":\"x\xFFy\",\"b\":1}"), R"({"a":"x"})");
  EXPECT_EQ(Completed("{\"a\":\"x\ny\"}"), R"({"a":"x"})");
  EXPECT_EQ(Completed(R"({"a":"x\qy"})"), R"({"a":"x"})");
  EXPECT_EQ(Completed(R"({"a":"x\ud83dy"})"), R"({"a":"x"})");
}

TEST(JsonPrefixTest, WhatStandsForNoNumberIsOneThatNobodyTakes) {
  EXPECT_EQ(Completed(R"({"a":NaN,"b":[-Infinity,1],"c":Infinity})"),
            R"({"a":1e999,"b":[1e999,1],"c":1e999})");
  EXPECT_EQ(Completed(R"({"a":1,"b":NaN)"), R"({"a":1})");
  EXPECT_EQ(Completed(R"({"a":1,"b":nan,"c":2})"), R"({"a":1})");
}

TEST(JsonPrefixTest, NothingHasBegunWithoutABracket) {
  for (const std::string_view text :
       {"", " \n", "null", "\"text\"", "17", "word {}", "<html>", "}"}) {
    EXPECT_EQ(Completed(text), "") << text;
  }
}

TEST(JsonPrefixTest, WhatIsTooDeepIsLeftOut) {
  EXPECT_TRUE(CheckJson(Completed(std::string(100, '['))).ok());
  const std::string deepest(kJsonDepthLimit, '[');
  EXPECT_EQ(Completed(deepest), deepest + std::string(kJsonDepthLimit, ']'));
}

TEST(JsonPrefixTest, TheFieldIsToldWhoseTextBrokeOff) {
  EXPECT_EQ(CompleteJson(R"({"a":"b","tier":"prio)").cut_key, "tier");
  EXPECT_EQ(CompleteJson(R"({"a":{"tier":")").cut_key, "tier");
  for (const std::string_view text :
       {R"({"a":"b")", R"({"a":"b",)", R"({"a)", R"({"a":)", R"({"a":["b)",
        R"({"a":1)", R"({"a":"b"})"}) {
    EXPECT_EQ(CompleteJson(text).cut_key, "") << text;
  }
}

TEST(JsonPrefixTest, EveryBeginningOfATextIsJson) {
  const std::string text =
      "{\"id\" : \"x\\u00e9\\\"\\ud83d\\ude00\xE4\xBD\xA0\",\n \"n\":[-1.5e+2,"
      "true,{\"k\":null,\"l\":[[],{}]}],\"end\":{\"a\":\"b\"}}";
  ASSERT_TRUE(CheckJson(text).ok());
  for (size_t size = 1; size <= text.size(); ++size) {
    const std::string json = Completed(text.substr(0, size));
    EXPECT_TRUE(CheckJson(json).ok()) << size << " " << json;
  }
  EXPECT_EQ(Completed(text), text);
}

TEST(ObjectProgressTest, IsCompleteOnceAnObjectHasCome) {
  const std::string text = R"( {"a":"}\"","b":[{}]})";
  ObjectProgress progress;
  for (const char c : text) {
    EXPECT_FALSE(progress.complete());
    progress.Feed(std::string_view(&c, 1));
  }
  EXPECT_TRUE(progress.complete());
  progress.Feed("{");
  EXPECT_TRUE(progress.complete());
}

}  // namespace
}  // namespace gateway
