#include "providers/dialects/openai_responses/item_events.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_responses/content.h"
#include "providers/dialects/openai_responses/event_emitter.h"
#include "providers/dialects/openai_responses/fields.h"

namespace gateway::responses {
namespace {

class ItemEventsTest : public testing::Test {
 protected:
  ItemEventsTest() { emitter_.WriteTo(&out_); }

  static v1::Part PartOf(const std::string& text) {
    v1::Part part;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &part));
    return part;
  }

  // The names of the events so far.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (absl::string_view line : absl::StrSplit(out_, '\n')) {
      if (line.substr(0, 7) == "event: ") names.emplace_back(line.substr(7));
    }
    return names;
  }

  std::string out_;
  DroppedFields dropped_{kDialect, nullptr};
  ContentWriter content_{Side::kAnswer, dropped_};
  EventEmitter emitter_;
  ItemEvents events_{emitter_, content_};
  const EventEmitter::ItemPlace place_ = {.id = "i", .index = 2};
};

TEST_F(ItemEventsTest, APartIsToldWholeTwice) {
  ASSERT_TRUE(events_.EndPart(PartOf("text: 'Hi.'"), place_, 1).ok());
  ASSERT_TRUE(events_.EndPart(PartOf("refusal: 'No.'"), place_, 2).ok());
  EXPECT_EQ(Names(), (std::vector<std::string>{
                         "response.output_text.done",
                         "response.content_part.done", "response.refusal.done",
                         "response.content_part.done"}));
  EXPECT_NE(out_.find(R"("item_id":"i","output_index":2,"content_index":1,)"
                      R"("text":"Hi.","logprobs":[])"),
            std::string::npos);
  EXPECT_NE(out_.find(R"("content_index":2,"refusal":"No.")"),
            std::string::npos);
}

TEST_F(ItemEventsTest, ReasoningWithoutWordsHasNoSummaryToEnd) {
  ASSERT_TRUE(
      events_.EndReasoning(PartOf("reasoning {}").reasoning(), place_).ok());
  EXPECT_EQ(out_, "");
  ASSERT_TRUE(
      events_.EndReasoning(PartOf("reasoning { text: 'Hm.' }").reasoning(),
                           place_)
          .ok());
  EXPECT_EQ(Names(), (std::vector<std::string>{
                         "response.reasoning_summary_text.done",
                         "response.reasoning_summary_part.done"}));
}

TEST_F(ItemEventsTest, CallsEndByTheirKind) {
  ASSERT_TRUE(events_
                  .EndCall(PartOf("tool_call { name: 'f' arguments: '{}' }")
                               .tool_call(),
                           place_)
                  .ok());
  ASSERT_TRUE(events_
                  .EndCall(PartOf("tool_call { name: 'f' arguments: 'ls' kind: "
                                  "TOOL_KIND_CUSTOM }")
                               .tool_call(),
                           place_)
                  .ok());
  EXPECT_NE(out_.find(R"("name":"f","arguments":"{}"})"), std::string::npos);
  EXPECT_NE(out_.find(R"("output_index":2,"input":"ls"})"), std::string::npos);
}

TEST_F(ItemEventsTest, AnnotationsAreNumbered) {
  ASSERT_TRUE(
      events_.AddAnnotations(R"([{"type":"a"},{"type":"b"}])", place_, 0).ok());
  EXPECT_NE(out_.find(R"("annotation_index":0,"annotation":{"type":"a"})"),
            std::string::npos);
  EXPECT_NE(out_.find(R"("annotation_index":1,"annotation":{"type":"b"})"),
            std::string::npos);
}

}  // namespace
}  // namespace gateway::responses
