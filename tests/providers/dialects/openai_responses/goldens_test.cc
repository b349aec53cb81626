// Holds the whole dialect to its golden files.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/text/sse_parser.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_responses/openai_responses.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"
#include "tests/providers/dialects/openai_responses/stream_rules.h"

namespace gateway {
namespace {

using ::google::protobuf::util::MessageDifferencer;

std::string StreamNamed(const std::string& name) {
  return ReadGolden("openai_responses/streams/" + name + ".sse");
}

// Extensions have no order.
bool SameRequest(const v1::GenerateRequest& a, const v1::GenerateRequest& b) {
  MessageDifferencer differencer;
  differencer.TreatAsSet(
      v1::GenerateRequest::descriptor()->FindFieldByName("extensions"));
  return differencer.Compare(a, b);
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

// What a stream and an answer both say: a stream tells some vendor fields
// twice and later, and the folding keeps no likelihoods.
std::string EssenceOf(v1::GenerateResponse response) {
  response.clear_extensions();
  response.clear_service_tier();
  response.clear_create_time();
  for (v1::Choice& choice : *response.mutable_choices()) {
    choice.clear_extensions();
    choice.clear_logprobs();
  }
  std::string written;
  EXPECT_TRUE(
      OpenAiResponses().WriteResponse(response, &written, nullptr).ok());
  return written;
}

EventList EventsOf(const std::string& stream, size_t cut) {
  EventList events;
  const auto reader = OpenAiResponses().NewEventReader();
  const absl::Status status = ReadStream(*reader, stream, cut, &events);
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

TEST(OpenAiResponsesGoldensTest, RequestsAreWrittenAsTheyWereRead) {
  const OpenAiResponses dialect;
  for (const Golden& golden : GoldensIn("openai_responses/requests")) {
    SCOPED_TRACE(golden.name);
    bool stream = false;
    const v1::GenerateRequest request = ReadRequest(golden.text, &stream);
    std::string written;
    std::vector<v1::Warning> warnings;
    const absl::Status status = dialect.WriteRequest(
        request, {.model = request.model(), .stream = stream}, &written,
        &warnings);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(SameJson(written, golden.text));
    EXPECT_TRUE(warnings.empty()) << warnings.front().DebugString();
    const v1::GenerateRequest again = ReadRequest(written, &stream);
    EXPECT_TRUE(SameRequest(request, again)) << again.DebugString();
  }
}

TEST(OpenAiResponsesGoldensTest, AnswersAreWrittenAsTheyWereRead) {
  for (const Golden& golden : GoldensIn("openai_responses/responses")) {
    SCOPED_TRACE(golden.name);
    const v1::GenerateResponse response = ReadResponse(golden.text);
    std::string written;
    ASSERT_TRUE(
        OpenAiResponses().WriteResponse(response, &written, nullptr).ok());
    EXPECT_TRUE(SameJson(written, golden.text));
    EXPECT_TRUE(MessageDifferencer::Equals(response, ReadResponse(written)));
  }
}

// Whoever remembers a conversation puts the answer behind the request.
TEST(OpenAiResponsesGoldensTest, TheNextTurnSaysTheItemsOfTheLastAsTheyWere) {
  const std::string stream = StreamNamed("tools");
  for (const v1::GenerateResponse& answer :
       {ReadResponse(ReadGolden("openai_responses/responses/tools.json")),
        FoldOf(EventsOf(stream, 0))}) {
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

TEST(OpenAiResponsesGoldensTest, StreamsMakeUpTheirAnswers) {
  for (const Golden& golden : GoldensIn("openai_responses/responses")) {
    SCOPED_TRACE(golden.name);
    EXPECT_TRUE(
        SameJson(EssenceOf(FoldOf(EventsOf(StreamNamed(golden.name), 0))),
                 EssenceOf(ReadResponse(golden.text))));
  }
}

TEST(OpenAiResponsesGoldensTest, StreamsReadTheSameAtEverySplit) {
  for (const Golden& golden : GoldensIn("openai_responses/responses")) {
    SCOPED_TRACE(golden.name);
    const std::string stream = StreamNamed(golden.name);
    const EventList whole = EventsOf(stream, 0);
    std::string bytes;
    for (const v1::GenerateEvent& event : whole) {
      bytes += event.SerializeAsString();
    }
    for (size_t cut = 1; cut <= stream.size(); ++cut) {
      std::string cut_bytes;
      for (const v1::GenerateEvent& event : EventsOf(stream, cut)) {
        cut_bytes += event.SerializeAsString();
      }
      ASSERT_EQ(cut_bytes, bytes) << cut;
    }
  }
}

TEST(OpenAiResponsesGoldensTest, TheGoldenStreamsKeepTheRules) {
  for (const Golden& golden : GoldensIn("openai_responses/responses")) {
    SCOPED_TRACE(golden.name);
    EXPECT_EQ(responses::BrokenRule(StreamNamed(golden.name)), "");
  }
}

TEST(OpenAiResponsesGoldensTest, StreamsSurviveTheWriter) {
  std::vector<std::string> names = {"every_event"};
  for (const Golden& golden : GoldensIn("openai_responses/responses")) {
    names.push_back(golden.name);
  }
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const EventList events = EventsOf(StreamNamed(name), 0);
    const std::string written = StreamOf(events);
    EXPECT_EQ(responses::BrokenRule(written), "");
    EXPECT_TRUE(SameJson(EssenceOf(FoldOf(EventsOf(written, 0))),
                         EssenceOf(FoldOf(events))));
  }
}

// The names of a stream's events, sorted by how often they come.
std::map<std::string, int> NamesIn(const std::string& stream) {
  std::map<std::string, int> names;
  SseParser parser(1 << 20);
  const std::string padded = stream + std::string(kJsonPaddingBytes, '\0');
  EXPECT_TRUE(
      parser.Feed(std::string_view(padded).substr(0, stream.size())).ok());
  SseEvent event;
  while (parser.Next(&event)) {
    if (!event.comment) ++names[std::string(event.name)];
  }
  return names;
}

TEST(OpenAiResponsesGoldensTest, EventsThatNobodyModelsSurviveTheWriter) {
  const std::string stream = StreamNamed("every_event");
  std::map<std::string, int> before = NamesIn(stream);
  std::map<std::string, int> after = NamesIn(StreamOf(EventsOf(stream, 0)));
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

TEST(OpenAiResponsesGoldensTest, TapAndReaderAgree) {
  for (const Golden& golden : GoldensIn("openai_responses/responses")) {
    SCOPED_TRACE(golden.name);
    const std::string stream = StreamNamed(golden.name);
    const v1::GenerateResponse folded = FoldOf(EventsOf(stream, 0));
    const auto tap = OpenAiResponses().NewStreamTap();
    SseParser parser(1 << 20);
    std::string padded = stream + std::string(kJsonPaddingBytes, '\0');
    ASSERT_TRUE(
        parser.Feed(std::string_view(padded).substr(0, stream.size())).ok());
    SseEvent event;
    bool terminal = false;
    while (parser.Next(&event)) {
      EXPECT_FALSE(terminal);
      EXPECT_FALSE(tap->finished());
      const auto kind = tap->OnEvent(event.name, event.data);
      ASSERT_TRUE(kind.ok()) << kind.status();
      terminal = *kind == EventKind::kTerminal;
    }
    EXPECT_TRUE(terminal);
    EXPECT_TRUE(tap->finished());
    EXPECT_EQ(tap->facts().finish_reason, folded.choices(0).finish_reason());
    EXPECT_TRUE(MessageDifferencer::Equals(tap->facts().usage, folded.usage()));
  }
}

TEST(OpenAiResponsesGoldensTest, ScanAndReaderAgreeOnAnswers) {
  for (const Golden& golden : GoldensIn("openai_responses/responses")) {
    SCOPED_TRACE(golden.name);
    const v1::GenerateResponse response = ReadResponse(golden.text);
    const std::string padded =
        golden.text + std::string(kJsonPaddingBytes, '\0');
    ResponseFacts facts;
    ASSERT_TRUE(
        OpenAiResponses()
            .ScanResponse(
                std::string_view(padded).substr(0, golden.text.size()), &facts)
            .ok());
    EXPECT_EQ(facts.finish_reason, response.choices(0).finish_reason());
    EXPECT_TRUE(MessageDifferencer::Equals(facts.usage, response.usage()));
  }
}

TEST(OpenAiResponsesGoldensTest, ScanAndReaderAgreeOnRequests) {
  for (const Golden& golden : GoldensIn("openai_responses/requests")) {
    SCOPED_TRACE(golden.name);
    bool stream = false;
    const v1::GenerateRequest request = ReadRequest(golden.text, &stream);
    const std::string padded =
        golden.text + std::string(kJsonPaddingBytes, '\0');
    const std::string_view body =
        std::string_view(padded).substr(0, golden.text.size());
    RequestScan scan;
    ASSERT_TRUE(OpenAiResponses().ScanRequest(body, &scan).ok());
    EXPECT_EQ(scan.model, request.model());
    EXPECT_EQ(body.substr(scan.model_value.offset, scan.model_value.length),
              "\"gpt-test\"");
    EXPECT_EQ(scan.stream, stream);
    EXPECT_TRUE(scan.stream_usage);
    EXPECT_EQ(scan.output_tokens_max.value_or(0), request.max_output_tokens());
    EXPECT_EQ(scan.tool_count > 0, request.tools_size() > 0);
    EXPECT_EQ(scan.user_id, request.scope().user_id());
    EXPECT_TRUE(scan.has_messages);
  }
}

// No prefix of a request is a request, and none does harm.
TEST(OpenAiResponsesGoldensTest, CutRequestsAreRefused) {
  const OpenAiResponses dialect;
  for (const Golden& golden : GoldensIn("openai_responses/requests")) {
    SCOPED_TRACE(golden.name);
    const size_t end = golden.text.find_last_of('}');
    for (size_t length = 0; length < end; ++length) {
      std::string body = golden.text.substr(0, length);
      v1::GenerateRequest request;
      bool stream = false;
      bool stream_usage = false;
      EXPECT_FALSE(
          dialect.ReadRequest(body, &request, &stream, &stream_usage).ok())
          << length;
      body.append(kJsonPaddingBytes, '\0');
      RequestScan scan;
      EXPECT_FALSE(
          dialect.ScanRequest(std::string_view(body).substr(0, length), &scan)
              .ok())
          << length;
    }
  }
}

}  // namespace
}  // namespace gateway
