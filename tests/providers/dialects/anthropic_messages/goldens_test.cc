// Holds the whole dialect to its golden files.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/text/sse_parser.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway {
namespace {

using ::google::protobuf::util::MessageDifferencer;

// Extensions have no order.
bool SameRequest(const v1::GenerateRequest& a, const v1::GenerateRequest& b) {
  MessageDifferencer differencer;
  differencer.TreatAsSet(
      v1::GenerateRequest::descriptor()->FindFieldByName("extensions"));
  return differencer.Compare(a, b);
}

v1::GenerateResponse FoldOf(const EventList& events) {
  EventFolding folding;
  for (const v1::GenerateEvent& event : events) folding.Add(event);
  return folding.Finish();
}

// A stream tells some vendor fields twice and later than an answer does; what
// is compared is what the contract models.
v1::GenerateResponse WithoutUsageExtensions(v1::GenerateResponse response) {
  response.clear_extensions();
  for (v1::Choice& choice : *response.mutable_choices()) {
    choice.clear_extensions();
  }
  return response;
}

EventList EventsOf(const std::string& stream, size_t cut) {
  EventList events;
  const auto reader = AnthropicMessages().NewEventReader();
  const absl::Status status = ReadStream(*reader, stream, cut, &events);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(reader->done());
  return events;
}

std::string StreamOf(const EventList& events) {
  std::string out;
  const auto writer = AnthropicMessages().NewEventWriter({});
  for (const v1::GenerateEvent& event : events) {
    const absl::Status status = writer->Write(event, &out);
    EXPECT_TRUE(status.ok()) << status;
  }
  v1::GenerateEvent end;
  end.mutable_end()->set_outcome(v1::StreamEnd::OUTCOME_FINISHED);
  EXPECT_TRUE(writer->Write(end, &out).ok());
  return out;
}

TEST(AnthropicMessagesGoldensTest, RequestsAreWrittenAsTheyWereRead) {
  const AnthropicMessages dialect;
  for (const Golden& golden : GoldensIn("anthropic_messages/requests")) {
    SCOPED_TRACE(golden.name);
    v1::GenerateRequest request;
    bool stream = false;
    bool stream_usage = false;
    absl::Status status =
        dialect.ReadRequest(golden.text, &request, &stream, &stream_usage);
    ASSERT_TRUE(status.ok()) << status;
    std::string written;
    std::vector<v1::Warning> warnings;
    status = dialect.WriteRequest(request,
                                  {.model = request.model(), .stream = stream},
                                  &written, &warnings);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(SameJson(written, golden.text));
    EXPECT_TRUE(warnings.empty()) << warnings.front().DebugString();

    v1::GenerateRequest again;
    ASSERT_TRUE(
        dialect.ReadRequest(written, &again, &stream, &stream_usage).ok());
    EXPECT_TRUE(SameRequest(request, again)) << again.DebugString();
  }
}

TEST(AnthropicMessagesGoldensTest, AnswersAreWrittenAsTheyWereRead) {
  const AnthropicMessages dialect;
  for (const Golden& golden : GoldensIn("anthropic_messages/responses")) {
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

TEST(AnthropicMessagesGoldensTest, StreamsMakeUpTheirAnswersAtEverySplit) {
  const AnthropicMessages dialect;
  for (const Golden& golden : GoldensIn("anthropic_messages/responses")) {
    SCOPED_TRACE(golden.name);
    v1::GenerateResponse answer;
    ASSERT_TRUE(dialect.ReadResponse(golden.text, &answer).ok());
    answer = WithoutUsageExtensions(answer);
    const std::string stream =
        ReadGolden("anthropic_messages/streams/" + golden.name + ".sse");
    for (size_t cut = 0; cut <= stream.size(); ++cut) {
      const v1::GenerateResponse folded =
          WithoutUsageExtensions(FoldOf(EventsOf(stream, cut)));
      ASSERT_EQ(folded.choices_size(), 1) << cut;
      // White space between tokens differs; what it says does not.
      std::string written[2];
      ASSERT_TRUE(dialect.WriteResponse(answer, &written[0], nullptr).ok());
      ASSERT_TRUE(dialect.WriteResponse(folded, &written[1], nullptr).ok());
      ASSERT_TRUE(SameJson(written[0], written[1])) << cut;
    }
  }
}

TEST(AnthropicMessagesGoldensTest, StreamsSurviveTheWriter) {
  for (const Golden& golden : GoldensIn("anthropic_messages/responses")) {
    SCOPED_TRACE(golden.name);
    const std::string stream =
        ReadGolden("anthropic_messages/streams/" + golden.name + ".sse");
    const v1::GenerateResponse first = FoldOf(EventsOf(stream, 0));
    const std::string written = StreamOf(EventsOf(stream, 0));
    const v1::GenerateResponse second = FoldOf(EventsOf(written, 0));
    EXPECT_EQ(WithoutUsageExtensions(first).DebugString(),
              WithoutUsageExtensions(second).DebugString());
    ASSERT_EQ(first.choices_size(), second.choices_size());
    // What the last event says of usage is told by the stream's end.
    for (const v1::Extension& extension : first.choices(0).extensions()) {
      bool found = false;
      for (const v1::Extension& other : second.choices(0).extensions()) {
        found |= MessageDifferencer::Equals(extension, other);
      }
      EXPECT_TRUE(found) << extension.DebugString();
    }
  }
}

TEST(AnthropicMessagesGoldensTest, TapAndReaderAgree) {
  for (const Golden& golden : GoldensIn("anthropic_messages/responses")) {
    SCOPED_TRACE(golden.name);
    const std::string stream =
        ReadGolden("anthropic_messages/streams/" + golden.name + ".sse");
    const v1::GenerateResponse folded = FoldOf(EventsOf(stream, 0));
    const auto tap = AnthropicMessages().NewStreamTap();
    SseParser parser(1 << 20);
    std::string padded = stream + std::string(kJsonPaddingBytes, '\0');
    ASSERT_TRUE(
        parser.Feed(std::string_view(padded).substr(0, stream.size())).ok());
    SseEvent event;
    bool terminal = false;
    while (parser.Next(&event)) {
      const auto kind = tap->OnEvent(event.name, event.data);
      ASSERT_TRUE(kind.ok()) << kind.status();
      EXPECT_FALSE(terminal);
      terminal = *kind == EventKind::kTerminal;
    }
    EXPECT_TRUE(terminal);
    EXPECT_TRUE(tap->finished());
    EXPECT_EQ(tap->facts().finish_reason, folded.choices(0).finish_reason());
    EXPECT_TRUE(MessageDifferencer::Equals(tap->facts().usage, folded.usage()));
  }
}

TEST(AnthropicMessagesGoldensTest, ScanAndReaderAgreeOnAnswers) {
  const AnthropicMessages dialect;
  for (const Golden& golden : GoldensIn("anthropic_messages/responses")) {
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

TEST(AnthropicMessagesGoldensTest, ScanAndReaderAgreeOnRequests) {
  const AnthropicMessages dialect;
  for (const Golden& golden : GoldensIn("anthropic_messages/requests")) {
    SCOPED_TRACE(golden.name);
    v1::GenerateRequest request;
    bool stream = false;
    bool stream_usage = false;
    ASSERT_TRUE(
        dialect.ReadRequest(golden.text, &request, &stream, &stream_usage)
            .ok());
    const std::string padded =
        golden.text + std::string(kJsonPaddingBytes, '\0');
    const std::string_view body =
        std::string_view(padded).substr(0, golden.text.size());
    RequestScan scan;
    ASSERT_TRUE(dialect.ScanRequest(body, &scan).ok());
    EXPECT_EQ(scan.model, request.model());
    EXPECT_EQ(body.substr(scan.model_value.offset, scan.model_value.length),
              "\"claude-test\"");
    EXPECT_EQ(scan.stream, stream);
    EXPECT_EQ(scan.stream_usage, stream_usage);
    EXPECT_EQ(scan.output_tokens_max, request.max_output_tokens());
    EXPECT_EQ(scan.tool_count > 0, request.tools_size() > 0);
    EXPECT_EQ(scan.user_id, request.scope().user_id());
    EXPECT_TRUE(scan.has_messages);
  }
}

// No prefix of a request is a request, and none does harm.
TEST(AnthropicMessagesGoldensTest, CutRequestsAreRefused) {
  const AnthropicMessages dialect;
  for (const Golden& golden : GoldensIn("anthropic_messages/requests")) {
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
