// Holds the dialect to its golden files in what no other dialect has; the rest
// is in tests/providers/dialects/goldens_test.cc.

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/text/sse_parser.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_responses/openai_responses.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"
#include "tests/providers/dialects/openai_responses/stream_rules.h"

namespace gateway {
namespace {

std::string StreamNamed(const std::string& name) {
  return ReadGolden("openai_responses/streams/" + name + ".sse");
}

v1::GenerateRequest ReadRequest(const std::string& body, bool* stream) {
  v1::GenerateRequest request;
  bool stream_usage = false;
  const absl::Status status =
      OpenAiResponses().ReadRequest(body, &request, stream, &stream_usage);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(stream_usage);
  return request;
}

v1::GenerateResponse ReadResponse(const std::string& body) {
  v1::GenerateResponse response;
  const absl::Status status = OpenAiResponses().ReadResponse(body, &response);
  EXPECT_TRUE(status.ok()) << status;
  return response;
}

v1::GenerateResponse FoldOf(const EventList& events) {
  EventFolding folding;
  for (const v1::GenerateEvent& event : events) folding.Add(event);
  return folding.Finish();
}

EventList EventsOf(const std::string& stream) {
  EventList events;
  const auto reader = OpenAiResponses().NewEventReader();
  const absl::Status status = ReadStream(*reader, stream, 0, &events);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(reader->done());
  return events;
}

std::string StreamOf(const EventList& events) {
  std::string out;
  const auto writer = OpenAiResponses().NewEventWriter({});
  for (const v1::GenerateEvent& event : events) {
    const absl::Status status = writer->Write(event, &out);
    EXPECT_TRUE(status.ok()) << status;
  }
  v1::GenerateEvent end;
  end.mutable_end()->set_outcome(v1::StreamEnd::OUTCOME_FINISHED);
  const absl::Status status = writer->Write(end, &out);
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

// Whoever remembers a conversation puts the answer behind the request.
TEST(OpenAiResponsesGoldensTest, TheNextTurnSaysTheItemsOfTheLastAsTheyWere) {
  const std::string stream = StreamNamed("tools");
  for (const v1::GenerateResponse& answer :
       {ReadResponse(ReadGolden("openai_responses/responses/tools.json")),
        FoldOf(EventsOf(stream))}) {
    bool is_stream = false;
    v1::GenerateRequest request = ReadRequest(
        R"({"model":"m","instructions":"I.","input":"Go."})", &is_stream);
    *request.add_messages() = answer.choices(0).message();
    std::string written;
    ASSERT_TRUE(OpenAiResponses()
                    .WriteRequest(request, {.model = "m"}, &written, nullptr)
                    .ok());
    EXPECT_TRUE(SameJson(written, R"({"model":"m","instructions":"I.",
      "input":[
        {"role":"user","content":"Go."},
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
         "call_id":"call_2","name":"shell","input":"ls -l"}]})"));
  }
}

TEST(OpenAiResponsesGoldensTest, TheGoldenStreamsKeepTheRules) {
  for (const Golden& golden : GoldensIn("openai_responses/responses")) {
    SCOPED_TRACE(golden.name);
    EXPECT_EQ(responses::BrokenRule(StreamNamed(golden.name)), "");
  }
}

TEST(OpenAiResponsesGoldensTest, WrittenStreamsKeepTheRulesToo) {
  std::vector<std::string> names = {"every_event"};
  for (const Golden& golden : GoldensIn("openai_responses/responses")) {
    names.push_back(golden.name);
  }
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    EXPECT_EQ(responses::BrokenRule(StreamOf(EventsOf(StreamNamed(name)))), "");
  }
}

// The names of a stream's events, sorted by how often they come.
std::map<std::string, int> NamesIn(const std::string& stream) {
  std::map<std::string, int> names;
  SseParser parser(1 << 20);
  EXPECT_TRUE(parser.Feed(stream).ok());
  SseEvent event;
  while (parser.Next(&event)) {
    if (!event.comment) ++names[std::string(event.name)];
  }
  return names;
}

TEST(OpenAiResponsesGoldensTest, EventsThatNobodyModelsSurviveTheWriter) {
  const std::string stream = StreamNamed("every_event");
  std::map<std::string, int> before = NamesIn(stream);
  std::map<std::string, int> after = NamesIn(StreamOf(EventsOf(stream)));
  for (const auto& [name, count] : before) {
    const bool modelled = name.empty() || name == "keepalive" ||
                          name == "response.queued" ||
                          name.starts_with("response.reasoning_") ||
                          name.starts_with("response.content_part") ||
                          name == "response.output_text.delta";
    if (modelled) continue;
    EXPECT_EQ(after[name], count) << name;
  }
}

}  // namespace
}  // namespace gateway
