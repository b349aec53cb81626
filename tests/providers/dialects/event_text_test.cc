#include "providers/dialects/event_text.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

int64_t SpokenBytes(std::string_view event) {
  SpokenCounter spoken;
  spoken.Add(event);
  return spoken.bytes();
}

// An event of Chat Completions with this delta.
std::string Chunk(std::string_view delta) {
  return absl::StrCat(R"({"id":"c","created":1,"choices":[{"index":0,"delta":)",
                      ToAbsl(delta), R"(,"finish_reason":null}],"x":{}})");
}

TEST(EventTextTest, FindsWhatIsSaidInEachVendorsEvents) {
  for (
      const std::string_view event :
      {R"({"id":"c","choices":[{"index":0,"delta":{"content":"12345"}}]})",
       R"({"choices":[{"delta":{"reasoning_content":"123","content":"45"}}]})",
       R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":)"
       R"({"arguments":"12345"}}]}}]})",
       R"({"choices":[{"delta":{"content":[{"type":"text","text":"12345"}]}}]})",
       R"({"type":"content_block_delta","index":0,"delta":)"
       R"({"type":"text_delta","text":"12345"}})",
       R"({"type":"content_block_delta","index":0,"delta":)"
       R"({"type":"input_json_delta","partial_json":"12345"}})",
       R"({"type":"response.output_text.delta","item_id":"m",)"
       R"("output_index":0,"delta":"12345"})",
       R"({"candidates":[{"content":{"parts":[{"text":"12345"}],)"
       R"("role":"model"}}],"modelVersion":"g"})",
       R"({"candidates":[{"content":{"parts":[{"executableCode":)"
       R"({"language":"PYTHON","code":"12345"}}]}}],"modelVersion":"g"})",
       R"({"candidates":[{"content":{"parts":[{"codeExecutionResult":)"
       R"({"outcome":"OUTCOME_OK","output":"12345"}}]}}]})",
       R"({"candidates":[{"content":{"parts":[{"functionCall":)"
       R"({"id":"c1","name":"12345","args":{}}}]}}]})",
       R"({"candidates":[{"content":{"parts":[{"functionCall":)"
       R"({"partialArgs":[{"jsonPath":"$.a","stringValue":"12345"}],)"
       R"("willContinue":true}}]}}]})"}) {
    EXPECT_EQ(SpokenBytes(event), 5) << event;
    EXPECT_EQ(SaidIn(event), 5) << event;
  }
}

// They are an object, whose names are the tool's own.
TEST(EventTextTest, OfACallsArgumentsAllIsSaid) {
  EXPECT_EQ(
      SpokenBytes(R"({"functionCall":{"name":"f","args":)"
                  R"({"city":"Ulm","text":"x","days":[1,2]}}})"),
      1 + std::string_view(R"({"city":"Ulm","text":"x","days":[1,2]})").size());
}

TEST(EventTextTest, EscapesCountAsWhatTheyStandFor) {
  EXPECT_EQ(SpokenBytes(R"({"delta":"a\nb"})"), 3);
  EXPECT_EQ(SpokenBytes(R"({"delta":"\u4f60\u597d"})"), 6);
  SpokenCounter escaped;
  SpokenCounter plain;
  for (int i = 0; i < 100; ++i) {
    escaped.Add(Chunk(R"({"content":"\u4f60\ud83d\ude00"})"));
    plain.Add(Chunk(R"({"content":"你😀"})"));
  }
  EXPECT_EQ(escaped.bytes(), 700);
  EXPECT_EQ(plain.bytes(), 700);
  // Long ones are not read, and their size is not what they say.
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += R"(\u4f60)";
  SpokenCounter large;
  large.Add(Chunk(absl::StrCat(R"({"content":")", text, R"("})")));
  EXPECT_NEAR(static_cast<double>(large.bytes()), 30'000, 256);
}

TEST(EventTextTest, AnEventThatIsAllEscapesSaysNoLessThanNothing) {
  SpokenCounter spoken;
  spoken.Add(absl::StrCat(R"({"id":")", std::string(4000, 'i'),
                          R"(","delta":"12345"})"));
  std::string text;
  for (int i = 0; i < 700; ++i) text += R"(\u0041)";
  spoken.Add(absl::StrCat(R"({"a":")", text, R"("})"));
  EXPECT_EQ(spoken.bytes(), 5);
}

TEST(EventTextTest, ABadEventIsReadWhateverWasReadBefore) {
  SpokenCounter spoken;
  for (int i = 0; i < 100; ++i) spoken.Add(Chunk(R"({"content":"12345"})"));
  const int64_t before = spoken.bytes();
  spoken.AddBad(absl::StrCat("<html>", std::string(10'000, 'x')));
  spoken.AddBad(R"({"choices":[{"delta":{"content":)");
  EXPECT_EQ(spoken.bytes(), before);
  spoken.AddBad(R"({"choices":[{"delta":{"content":"12345"}}],)"
                R"("usage":{"completion_tokens":-1}})");
  EXPECT_EQ(spoken.bytes(), before + 5);
}

TEST(EventTextTest, WhatSaysNothingHasNone) {
  for (const std::string_view event :
       {"", "[DONE]", "{", R"({"delta":{"role":"assistant","content":null}})",
        R"({"usage":{"text_tokens":5},"delta":7})"}) {
    EXPECT_EQ(SpokenBytes(event), 0) << event;
  }
}

TEST(EventTextTest, EventsOfOneKindAreToldBySize) {
  SpokenCounter spoken;
  for (int i = 0; i < 1000; ++i) spoken.Add(Chunk(R"({"content":"12345"})"));
  spoken.Add(Chunk(R"({"content":"1"})"));
  spoken.Add(Chunk(R"({"content":"1234567"})"));
  EXPECT_EQ(spoken.bytes(), 5008);
}

TEST(EventTextTest, AnotherKindIsReadAnew) {
  const std::string_view kinds[] = {
      R"({"content":"","reasoning":"12345","reasoning_details":[{"index":0}]})",
      R"({"content":"12345"})",
      R"({"tool_calls":[{"index":0,"id":"call_12345","type":"function",)"
      R"("function":{"name":"f","arguments":""}}]})",
      R"({"tool_calls":[{"index":0,"function":{"arguments":"12345"}}]})",
      R"({"content":"12345"})",
      R"({"content":"","reasoning":"12345","reasoning_details":[{"index":0}]})",
  };
  SpokenCounter spoken;
  for (const std::string_view kind : kinds) {
    for (int i = 0; i < 100; ++i) spoken.Add(Chunk(kind));
  }
  // Of a hundred events in a row that say nothing not each is read, and nor is
  // each of the first few behind them.
  EXPECT_NEAR(static_cast<double>(spoken.bytes()), 5 * 500, 80);
}

TEST(EventTextTest, WhatIsAlwaysAnotherKindIsReadNowAndThen) {
  SpokenCounter spoken;
  for (size_t i = 0; i < 1000; ++i) {
    spoken.Add(absl::StrCat(R"({"id":")", std::string(1 + i % 7, 'i'),
                            R"(","choices":[{"delta":{"content":"12345"}}]})"));
  }
  EXPECT_NEAR(static_cast<double>(spoken.bytes()), 5000, 3000);
}

TEST(EventTextTest, LongTextsAreToldBySize) {
  SpokenCounter spoken;
  const std::string text(100'000, 't');
  const std::string delta = absl::StrCat(R"({"content":")", text, R"("})");
  spoken.Add(Chunk(delta));
  EXPECT_NEAR(static_cast<double>(spoken.bytes()), 100'000, 256);
  spoken.Add(Chunk(R"({"content":"12345"})"));
  const int64_t before = spoken.bytes();
  spoken.Add(Chunk(delta));
  EXPECT_EQ(spoken.bytes() - before, 100'000);
}

}  // namespace
}  // namespace gateway
