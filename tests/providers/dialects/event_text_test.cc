#include "providers/dialects/event_text.h"

#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

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

}  // namespace
}  // namespace gateway
