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
  for (const std::string_view event :
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
        R"("role":"model"}}],"modelVersion":"g"})"}) {
    EXPECT_EQ(SpokenBytes(event), 5) << event;
  }
}

TEST(EventTextTest, CountsWhatStandsInTheEvent) {
  EXPECT_EQ(SpokenBytes(R"({"delta":"a\nb"})"), 4);
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
