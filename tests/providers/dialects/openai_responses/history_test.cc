#include "providers/dialects/openai_responses/history.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "providers/dialects/openai_responses/request_reader.h"
#include "providers/dialects/openai_responses/request_writer.h"
#include "providers/dialects/openai_responses/response.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::responses {
namespace {

v1::GenerateRequest Request(std::string_view body) {
  v1::GenerateRequest request;
  bool stream = false;
  const absl::Status status = ReadRequest(body, &request, &stream);
  EXPECT_TRUE(status.ok()) << status;
  return request;
}

std::string Written(const v1::GenerateRequest& request) {
  std::string body;
  std::vector<v1::Warning> warnings;
  const absl::Status status =
      WriteRequest(request, {.model = "m"}, &body, &warnings);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(warnings.empty());
  return body;
}

TEST(HistoryTest, TheNextTurnSaysTheItemsOfTheLastAsTheyWere) {
  v1::GenerateResponse answer;
  ASSERT_TRUE(
      ReadResponse(ReadGolden("openai_responses/responses/tools.json"), &answer)
          .ok());
  const MessageList history = HistoryOf(
      Request(R"({"model":"m","instructions":"Old.","input":"Weather?"})"),
      answer.choices(0).message());
  v1::GenerateRequest next = Request(
      R"({"model":"m","instructions":"New.","previous_response_id":"resp_0002",
          "input":[{"type":"function_call_output","call_id":"call_1",
                    "output":"rain"},
                   {"type":"custom_tool_call_output","call_id":"call_2",
                    "output":"a"}]})");
  ContinueFrom(history, &next);
  EXPECT_TRUE(SameJson(Written(next), R"({"model":"m","instructions":"New.",
      "input":[
        {"role":"user","content":"Weather?"},
        {"id":"rs_1","type":"reasoning",
         "summary":[{"type":"summary_text","text":"One."},
                    {"type":"summary_text","text":"Two."}],
         "encrypted_content":"gAAAA-sealed=="},
        {"id":"msg_1","type":"message","status":"completed",
         "role":"assistant","phase":"commentary",
         "content":[{"type":"output_text","text":"I look.",
                     "annotations":[]}]},
        {"type":"function_call","id":"fc_1","status":"completed",
         "call_id":"call_1","name":"get_weather",
         "arguments":"{\"city\": \"Oslo\"}"},
        {"type":"custom_tool_call","id":"ctc_1","status":"completed",
         "call_id":"call_2","name":"shell","input":"ls -l"},
        {"type":"function_call_output","call_id":"call_1","output":"rain"},
        {"type":"custom_tool_call_output","call_id":"call_2",
         "output":"a"}]})"));
}

TEST(HistoryTest, InstructionsAreOfOneTurn) {
  v1::Message answer;
  answer.add_parts()->set_text("Yes.");
  v1::GenerateRequest next =
      Request(R"({"model":"m","previous_response_id":"r","input":"And?"})");
  ContinueFrom(
      HistoryOf(Request(R"({"model":"m","instructions":"I","input":"a"})"),
                answer),
      &next);
  ASSERT_EQ(next.messages_size(), 3);
  EXPECT_EQ(next.messages(0).role(), v1::ROLE_USER);
  EXPECT_EQ(next.messages(1).role(), v1::ROLE_ASSISTANT);
  EXPECT_EQ(next.previous_response_id(), "");
}

TEST(HistoryTest, ALeadingSystemItemStaysWithTheConversation) {
  v1::Message answer;
  answer.add_parts()->set_text("Yes.");
  v1::GenerateRequest next = Request(R"({"model":"m","input":"And?"})");
  ContinueFrom(HistoryOf(Request(R"({"model":"m","instructions":"I","input":[
                   {"role":"system","content":"S"},
                   {"role":"user","content":"a"}]})"),
                         answer),
               &next);
  EXPECT_TRUE(SameJson(Written(next), R"({"model":"m","input":[
      {"type":"message","role":"system","content":"S"},
      {"role":"user","content":"a"},
      {"role":"assistant","content":"Yes."},
      {"role":"user","content":"And?"}]})"));
}

TEST(HistoryTest, EventsAreNoPartOfWhatWasSaid) {
  v1::Message answer;
  v1::OpaquePart* event = answer.add_parts()->mutable_opaque();
  event->set_dialect("openai_responses");
  event->set_json(R"({"type":"response.audio.done"})");
  EXPECT_EQ(HistoryOf(Request(R"({"model":"m","input":"a"})"), answer).size(),
            1);
}

}  // namespace
}  // namespace gateway::responses
