#include "providers/dialects/openai_responses/event_reader.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"

namespace gateway::responses {
namespace {

class EventReaderTest : public testing::Test {
 protected:
  // What reading this event adds. Its name stands in the data alone.
  EventList Read(std::string_view data) {
    EventList events;
    const absl::Status status = reader_.Read("", data, &events);
    EXPECT_TRUE(status.ok()) << status;
    for (const v1::GenerateEvent& event : events) folding_.Add(event);
    return events;
  }

  v1::ErrorReason ReasonOf(std::string_view data) {
    EventList events;
    return FaultReason(reader_.Read("", data, &events));
  }

  ResponsesEventReader reader_;
  EventFolding folding_;
};

v1::ErrorReason GoldenFailure(const std::string& name) {
  ResponsesEventReader reader;
  EventList events;
  const absl::Status status = ReadStream(
      reader, ReadGolden("openai_responses/streams/" + name), 0, &events);
  EXPECT_FALSE(reader.done());
  return FaultReason(status);
}

TEST(EventReaderGoldensTest, FailuresAreFaults) {
  EXPECT_EQ(GoldenFailure("error_flat.sse"),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(GoldenFailure("error_nested.sse"),
            v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED);
  EXPECT_EQ(GoldenFailure("failed.sse"),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
}

TEST(EventReaderGoldensTest, ARequestThatIsToBlameIsTold) {
  ResponsesEventReader reader;
  EventList events;
  EXPECT_EQ(FaultReason(reader.Read("response.failed",
                                    R"({"type":"response.failed","response":{
                                  "status":"failed","error":{
                                  "code":"invalid_image","message":"m"}}})",
                                    &events)),
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST(EventReaderGoldensTest, EventsThatNobodyModelsAreOpaque) {
  ResponsesEventReader reader;
  EventList events;
  ASSERT_TRUE(ReadStream(reader,
                         ReadGolden("openai_responses/streams/every_event.sse"),
                         0, &events)
                  .ok());
  EXPECT_TRUE(reader.done());
  int opaque = 0;
  EventFolding folding;
  for (const v1::GenerateEvent& event : events) {
    if (event.delta().has_opaque()) ++opaque;
    folding.Add(event);
  }
  // Eight hosted items, each with a beginning and an end, their thirty events,
  // and five that belong to none.
  EXPECT_EQ(opaque, 8 * 2 + 29 + 5);
  // What was told of an item is replaced by the item.
  const v1::Message message = folding.Finish().choices(0).message();
  EXPECT_NE(message.parts(0).opaque().json().find("\"query\""),
            std::string::npos);
  EXPECT_EQ(message.parts(8).reasoning().text(), "I think.");
  EXPECT_EQ(message.parts(14).text(), "Done.");
}

TEST_F(EventReaderTest, AServerMaySendOnlyWhatIsDone) {
  Read(R"({"type":"response.created","response":{"id":"resp_1","output":[]}})");
  Read(R"({"type":"response.output_item.added","output_index":0,"item":
           {"type":"message","id":"msg_1","role":"assistant","content":[]}})");
  Read(R"({"type":"response.output_text.done","output_index":0,
           "content_index":0,"item_id":"msg_1","text":"Hello."})");
  Read(R"({"type":"response.output_item.done","output_index":0,"item":
           {"type":"message","id":"msg_1","role":"assistant","content":[
             {"type":"output_text","text":"Hello."},
             {"type":"output_text","text":"More."}]}})");
  Read(R"({"type":"response.output_item.done","output_index":1,"item":
           {"type":"function_call","call_id":"c","name":"f",
            "arguments":"{}"}})");
  Read(R"({"type":"response.output_item.added","output_index":2,"item":
           {"type":"function_call","call_id":"d","name":"g",
            "arguments":""}})");
  Read(R"({"type":"response.function_call_arguments.done","output_index":2,
           "arguments":"{\"a\":1}"})");
  Read(R"({"type":"response.completed","response":{"id":"resp_1",
           "status":"completed","output":[]}})");
  EXPECT_TRUE(reader_.done());
  const v1::GenerateResponse answer = folding_.Finish();
  const v1::Message& message = answer.choices(0).message();
  ASSERT_EQ(message.parts_size(), 4);
  EXPECT_EQ(message.parts(0).text(), "Hello.");
  EXPECT_EQ(message.parts(1).text(), "More.");
  EXPECT_EQ(message.parts(2).tool_call().id(), "c");
  EXPECT_EQ(message.parts(3).tool_call().arguments(), R"({"a":1})");
  EXPECT_EQ(answer.choices(0).finish_reason(), v1::FINISH_REASON_TOOL_CALLS);
}

TEST_F(EventReaderTest, AServerMaySayEverythingAtOnce) {
  Read(R"({"type":"response.completed","response":{"id":"resp_1","model":"m",
           "status":"completed","usage":{"input_tokens":2,"output_tokens":1},
           "output":[{"type":"reasoning","id":"rs_1","summary":[
               {"type":"summary_text","text":"Hm."}],
               "encrypted_content":"gAAAA"},
             {"type":"message","role":"assistant","content":[
               {"type":"refusal","refusal":"No."}]}]}})");
  EXPECT_TRUE(reader_.done());
  EXPECT_EQ(reader_.usage().input_tokens(), 2);
  const v1::GenerateResponse answer = folding_.Finish();
  EXPECT_EQ(answer.id(), "resp_1");
  EXPECT_EQ(answer.choices(0).message().parts(0).reasoning().text(), "Hm.");
  EXPECT_EQ(answer.choices(0).message().parts(1).refusal(), "No.");
  EXPECT_EQ(answer.choices(0).finish_reason(),
            v1::FINISH_REASON_CONTENT_FILTER);
}

TEST_F(EventReaderTest, TheSignatureOfTheEndCounts) {
  Read(R"({"type":"response.output_item.added","output_index":0,"item":
           {"type":"reasoning","id":"rs_1","summary":[],
            "encrypted_content":"first"}})");
  Read(R"({"type":"response.output_item.done","output_index":0,"item":
           {"type":"reasoning","id":"rs_1","summary":[],
            "encrypted_content":"last"}})");
  ItemSignature signature;
  const v1::GenerateResponse answer = folding_.Finish();
  ASSERT_TRUE(OwnSignature(answer.choices(0).message().parts(0).reasoning(),
                           &signature));
  EXPECT_EQ(signature.id, "rs_1");
  EXPECT_EQ(signature.encrypted_content, "last");
}

TEST_F(EventReaderTest, TheFirstKindOfReasoningToSpeakIsTheText) {
  Read(R"({"type":"response.reasoning_text.delta","output_index":0,
           "content_index":0,"delta":"raw"})");
  Read(R"({"type":"response.reasoning_summary_text.delta","output_index":0,
           "summary_index":0,"delta":"summary"})");
  EXPECT_EQ(folding_.Finish().choices(0).message().parts(0).reasoning().text(),
            "raw");
}

TEST_F(EventReaderTest, NothingCountsAfterTheEnd) {
  Read(R"({"type":"response.incomplete","response":{"status":"incomplete",
           "incomplete_details":{"reason":"content_filter"},"output":[]}})");
  EXPECT_TRUE(reader_.done());
  EXPECT_TRUE(Read("[DONE]").empty());
  EXPECT_TRUE(Read("not json").empty());
  EXPECT_EQ(folding_.Finish().choices(0).finish_reason(),
            v1::FINISH_REASON_CONTENT_FILTER);
}

TEST_F(EventReaderTest, WhatMakesNoSenseIsABadAnswer) {
  for (const std::string_view data :
       {"{", "[]", R"({"type":7})", R"({"type":"response.output_item.added"})",
        R"({"type":"response.output_item.added","output_index":0})",
        R"({"type":"response.output_item.added","output_index":99999,
            "item":{"type":"message"}})",
        R"({"type":"response.output_text.delta","output_index":0})",
        R"({"type":"response.output_text.delta","output_index":0,
            "content_index":0})",
        R"({"type":"response.function_call_arguments.delta","output_index":7,
            "delta":"x"})",
        R"({"type":"response.completed"})",
        R"({"type":"response.completed","response":{"output":7}})"}) {
    EXPECT_EQ(ReasonOf(data), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE) << data;
  }
}

}  // namespace
}  // namespace gateway::responses
