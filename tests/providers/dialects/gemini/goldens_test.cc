// Holds the whole dialect to its golden files.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/text/sse_parser.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/gemini/gemini.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway {
namespace {

using ::google::protobuf::util::MessageDifferencer;

v1::GenerateRequest RequestOf(std::string_view body) {
  v1::GenerateRequest request;
  bool stream = false;
  bool stream_usage = false;
  const absl::Status status =
      Gemini().ReadRequest(body, &request, &stream, &stream_usage);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_FALSE(stream);
  EXPECT_TRUE(stream_usage);
  return request;
}

v1::GenerateResponse FoldOf(const EventList& events) {
  EventFolding folding;
  for (const v1::GenerateEvent& event : events) folding.Add(event);
  return folding.Finish();
}

// A stream tells some vendor fields at another place than an answer does; what
// is compared is what the contract models.
v1::GenerateResponse WithoutExtensions(v1::GenerateResponse response) {
  response.clear_extensions();
  for (v1::Choice& choice : *response.mutable_choices()) {
    choice.clear_extensions();
  }
  return response;
}

EventList EventsOf(const std::string& stream, size_t cut) {
  EventList events;
  const auto reader = Gemini().NewEventReader();
  const absl::Status status = ReadStream(*reader, stream, cut, &events);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(reader->CompleteAtClose());
  EXPECT_FALSE(reader->done());
  return events;
}

std::string StreamOf(const EventList& events) {
  std::string out;
  const auto writer = Gemini().NewEventWriter({});
  for (const v1::GenerateEvent& event : events) {
    const absl::Status status = writer->Write(event, &out);
    EXPECT_TRUE(status.ok()) << status;
  }
  v1::GenerateEvent end;
  end.mutable_end()->set_outcome(v1::StreamEnd::OUTCOME_FINISHED);
  EXPECT_TRUE(writer->Write(end, &out).ok());
  return out;
}

TEST(GeminiGoldensTest, RequestsAreWrittenAsTheyWereRead) {
  const Gemini dialect;
  for (const Golden& golden : GoldensIn("gemini/requests")) {
    SCOPED_TRACE(golden.name);
    const v1::GenerateRequest request = RequestOf(golden.text);
    EXPECT_EQ(request.model(), "");
    std::string written;
    std::vector<v1::Warning> warnings;
    const absl::Status status = dialect.WriteRequest(
        request, {.model = "gemini-test"}, &written, &warnings);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(SameJson(written, golden.text));
    EXPECT_TRUE(warnings.empty()) << warnings.front().DebugString();
    const v1::GenerateRequest again = RequestOf(written);
    MessageDifferencer differencer;
    differencer.TreatAsSet(
        v1::GenerateRequest::descriptor()->FindFieldByName("extensions"));
    EXPECT_TRUE(differencer.Compare(request, again)) << again.DebugString();
  }
}

TEST(GeminiGoldensTest, NumbersInArgumentsKeepTheirForm) {
  const v1::GenerateRequest request =
      RequestOf(ReadGolden("gemini/requests/tools.json"));
  std::string written;
  ASSERT_TRUE(
      Gemini()
          .WriteRequest(request, {.model = "gemini-test"}, &written, nullptr)
          .ok());
  EXPECT_NE(written.find(R"({"city": "Oslo", "n": 1.50})"), std::string::npos);
}

TEST(GeminiGoldensTest, AnswersAreWrittenAsTheyWereRead) {
  const Gemini dialect;
  for (const Golden& golden : GoldensIn("gemini/responses")) {
    SCOPED_TRACE(golden.name);
    v1::GenerateResponse response;
    absl::Status status = dialect.ReadResponse(golden.text, &response);
    ASSERT_TRUE(status.ok()) << status;
    std::string written;
    status = dialect.WriteResponse(response, &written, nullptr);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(SameJson(written, golden.text));
  }
}

TEST(GeminiGoldensTest, StreamsMakeUpTheirAnswersAtEverySplit) {
  const Gemini dialect;
  for (const Golden& golden : GoldensIn("gemini/responses")) {
    SCOPED_TRACE(golden.name);
    v1::GenerateResponse answer;
    ASSERT_TRUE(dialect.ReadResponse(golden.text, &answer).ok());
    std::string written;
    ASSERT_TRUE(
        dialect.WriteResponse(WithoutExtensions(answer), &written, nullptr)
            .ok());
    const std::string stream =
        ReadGolden("gemini/streams/" + golden.name + ".sse");
    for (size_t cut = 0; cut <= stream.size(); ++cut) {
      const v1::GenerateResponse folded =
          WithoutExtensions(FoldOf(EventsOf(stream, cut)));
      ASSERT_EQ(folded.choices_size(), answer.choices_size()) << cut;
      std::string of_stream;
      ASSERT_TRUE(dialect.WriteResponse(folded, &of_stream, nullptr).ok());
      ASSERT_TRUE(SameJson(written, of_stream)) << cut;
    }
  }
}

TEST(GeminiGoldensTest, StreamsSurviveTheWriter) {
  for (const Golden& golden : GoldensIn("gemini/responses")) {
    SCOPED_TRACE(golden.name);
    const std::string stream =
        ReadGolden("gemini/streams/" + golden.name + ".sse");
    const v1::GenerateResponse first = FoldOf(EventsOf(stream, 0));
    const v1::GenerateResponse second =
        FoldOf(EventsOf(StreamOf(EventsOf(stream, 0)), 0));
    EXPECT_EQ(first.DebugString(), second.DebugString());
  }
}

TEST(GeminiGoldensTest, TapAndReaderAgree) {
  for (const Golden& golden : GoldensIn("gemini/responses")) {
    SCOPED_TRACE(golden.name);
    const std::string stream =
        ReadGolden("gemini/streams/" + golden.name + ".sse");
    const v1::GenerateResponse folded = FoldOf(EventsOf(stream, 0));
    const auto tap = Gemini().NewStreamTap();
    SseParser parser(1 << 20);
    const std::string padded = stream + std::string(kJsonPaddingBytes, '\0');
    ASSERT_TRUE(
        parser.Feed(std::string_view(padded).substr(0, stream.size())).ok());
    SseEvent event;
    while (parser.Next(&event)) {
      EXPECT_FALSE(tap->CompleteAtClose());
      const auto kind = tap->OnEvent(event.name, event.data);
      ASSERT_TRUE(kind.ok()) << kind.status();
      EXPECT_EQ(*kind, EventKind::kContent);
    }
    EXPECT_TRUE(tap->finished());
    EXPECT_TRUE(tap->CompleteAtClose());
    EXPECT_EQ(tap->facts().finish_reason, folded.choices(0).finish_reason());
    EXPECT_TRUE(MessageDifferencer::Equals(tap->facts().usage, folded.usage()));
  }
}

TEST(GeminiGoldensTest, ScanAndReaderAgreeOnAnswers) {
  const Gemini dialect;
  for (const Golden& golden : GoldensIn("gemini/responses")) {
    SCOPED_TRACE(golden.name);
    v1::GenerateResponse response;
    ASSERT_TRUE(dialect.ReadResponse(golden.text, &response).ok());
    const std::string padded =
        golden.text + std::string(kJsonPaddingBytes, '\0');
    ResponseFacts facts;
    ASSERT_TRUE(
        dialect
            .ScanResponse(
                std::string_view(padded).substr(0, golden.text.size()), &facts)
            .ok());
    EXPECT_EQ(facts.finish_reason, response.choices(0).finish_reason());
    EXPECT_TRUE(MessageDifferencer::Equals(facts.usage, response.usage()));
  }
}

TEST(GeminiGoldensTest, ScanAndReaderAgreeOnRequests) {
  const Gemini dialect;
  for (const Golden& golden : GoldensIn("gemini/requests")) {
    SCOPED_TRACE(golden.name);
    const v1::GenerateRequest request = RequestOf(golden.text);
    const std::string padded =
        golden.text + std::string(kJsonPaddingBytes, '\0');
    RequestScan scan;
    ASSERT_TRUE(
        dialect
            .ScanRequest(std::string_view(padded).substr(0, golden.text.size()),
                         &scan)
            .ok());
    EXPECT_EQ(scan.model, "");
    EXPECT_EQ(scan.model_value.length, 0u);
    EXPECT_EQ(scan.output_tokens_max.value_or(0), request.max_output_tokens());
    EXPECT_EQ(scan.tool_count > 0, request.tools_size() > 0);
    EXPECT_TRUE(scan.has_messages);
    EditPlan plan;
    dialect.PlanEdits(scan, "another", &plan);
    EXPECT_TRUE(plan.edits.empty());
  }
}

// No prefix of a request is a request, and none does harm.
TEST(GeminiGoldensTest, CutRequestsAreRefused) {
  const Gemini dialect;
  for (const Golden& golden : GoldensIn("gemini/requests")) {
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
