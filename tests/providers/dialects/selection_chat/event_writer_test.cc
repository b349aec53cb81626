#include "providers/dialects/selection_chat/event_writer.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::selection_chat {
namespace {

v1::GenerateEvent Event(const std::string& text) {
  v1::GenerateEvent event;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event));
  return event;
}

const char kStarted[] = R"pb(
  started {
    request_id: "t-1"
    route {
      provider: "openrouter"
      model: "google/gemini"
      reason: "selection:balanced"
      selection {
        model_id: "gemini"
        reasoning: "the best"
        estimated_cost_usd_nanos: 450000
      }
    }
  }
)pb";
const char kFinished[] = R"pb(
  end {
    outcome: OUTCOME_FINISHED
    usage { input_tokens: 5 output_tokens: 77 }
  }
)pb";

using Told = std::vector<std::pair<std::string, std::string>>;

class SelectionChatEventsTest : public testing::Test {
 protected:
  explicit SelectionChatEventsTest(
      EventWriter::Options options = {.model_policy = "gemini"})
      : writer_(options) {}

  void Write(const std::string& text) {
    EXPECT_TRUE(writer_.Write(Event(text), &out_).ok());
  }
  void WriteText(std::string_view text) {
    v1::GenerateEvent event;
    event.mutable_delta()->set_text(std::string(text));
    EXPECT_TRUE(writer_.Write(event, &out_).ok());
  }

  // Takes what was written: the names of the events, and their data.
  Told Take() {
    Told told;
    for (absl::string_view block :
         absl::StrSplit(out_, "\n\n", absl::SkipEmpty())) {
      const std::vector<std::string> lines = absl::StrSplit(block, '\n');
      if (lines.size() == 1) {
        told.emplace_back(lines[0], "");
        continue;
      }
      EXPECT_EQ(lines.size(), 2u) << block;
      EXPECT_EQ(lines[0].substr(0, 7), "event: ");
      EXPECT_EQ(lines[1].substr(0, 6), "data: ");
      told.emplace_back(lines[0].substr(7), lines[1].substr(6));
    }
    out_.clear();
    return told;
  }

  ChatEventWriter writer_;
  std::string out_;
};

class StreamsWithoutAPolicyTest : public SelectionChatEventsTest {
 protected:
  StreamsWithoutAPolicyTest() : SelectionChatEventsTest({}) {}
};

TEST_F(SelectionChatEventsTest, AStreamIsMetadataContentAndDone) {
  Write(kStarted);
  WriteText("Hi\n\"you\"");
  Write("choice_end { finish_reason: FINISH_REASON_STOP }");
  Write("usage { output_tokens: 3 }");
  Write(kFinished);
  const Told told = Take();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].first, "metadata");
  EXPECT_TRUE(SameJson(told[0].second,
                       R"({"type":"metadata","model":"gemini",)"
                       R"("provider":"openrouter","reasoning":"the best",)"
                       R"("trace_id":"t-1","estimated_cost":0.00045})"))
      << told[0].second;
  EXPECT_EQ(told[1].first, "content");
  EXPECT_TRUE(SameJson(told[1].second,
                       R"({"type":"content","token":"Hi\n\"you\"",)"
                       R"("model":"google/gemini","provider":"openrouter",)"
                       R"("trace_id":"t-1"})"))
      << told[1].second;
  EXPECT_EQ(told[2].first, "done");
  EXPECT_TRUE(SameJson(told[2].second,
                       R"({"type":"done","total_tokens":77,"chunk_count":1,)"
                       R"("trace_id":"t-1","finish_reason":"stop"})"))
      << told[2].second;
}

TEST_F(StreamsWithoutAPolicyTest, TellTheModelThatAnswersAndWhy) {
  Write(R"pb(
    started { route { provider: "p" model: "m" reason: "default" } }
  )pb");
  const Told told = Take();
  EXPECT_TRUE(SameJson(told.at(0).second,
                       R"({"type":"metadata","model":"m","provider":"p",)"
                       R"("reasoning":"default","trace_id":"",)"
                       R"("estimated_cost":null})"))
      << told.at(0).second;
}

TEST_F(SelectionChatEventsTest, ProgressIsToldAfterEachFiftiethPiece) {
  Write(kStarted);
  Take();
  // Words, of which some come in two pieces.
  for (int i = 1; i <= 101; ++i) {
    WriteText(i % 2 == 0 ? "wo" : "rd ");
    const Told told = Take();
    EXPECT_EQ(told.at(0).first, "content");
    if (i % 50 != 0) {
      EXPECT_EQ(told.size(), 1u) << i;
      continue;
    }
    ASSERT_EQ(told.size(), 2u) << i;
    EXPECT_EQ(told[1].first, "progress");
    // Every word but the first is two pieces.
    EXPECT_TRUE(SameJson(
        told[1].second,
        absl::StrCat(R"({"type":"progress",)", R"("tokens_generated":)",
                     i / 2 + 1, R"(,"chunk_count":)", i, "}")))
        << told[1].second;
  }
}

TEST_F(SelectionChatEventsTest, AFailureEndsInAnErrorAndNeverInDone) {
  Write(kStarted);
  WriteText("Hi");
  Take();
  writer_.SetFailure(
      MakeFault(v1::ERROR_REASON_STREAM_INTERRUPTED, "it broke off"));
  Write("end { outcome: OUTCOME_TRUNCATED }");
  const Told told = Take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].first, "error");
  EXPECT_TRUE(SameJson(told[0].second,
                       R"({"type":"error","error":"it broke off",)"
                       R"("reason":"STREAM_INTERRUPTED",)"
                       R"("provider":"openrouter","trace_id":"t-1"})"))
      << told[0].second;
}

TEST_F(SelectionChatEventsTest, WhatHasNoPlaceIsToldOnce) {
  Write(kStarted);
  Take();
  Write("delta { reasoning: 'hm' }");
  Write("delta { reasoning: 'hm' }");
  Write("delta { choice_index: 1 text: 'other' }");
  Write("delta { refusal: 'No.' }");
  Write("delta { }");
  Told told = Take();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].first,
            ": x-llmgateway-warnings: reasoning: left out: selection_chat has "
            "none");
  EXPECT_EQ(told[1].first,
            ": x-llmgateway-warnings: choices: left out: selection_chat has "
            "none");
  EXPECT_EQ(told[2].first, "content");
  EXPECT_NE(told[2].second.find(R"("token":"No.")"), std::string::npos);
  Write(kFinished);
  told = Take();
  // Only what was written counts.
  EXPECT_NE(told.at(0).second.find(R"("chunk_count":1,)"), std::string::npos);
}

}  // namespace
}  // namespace gateway::selection_chat
