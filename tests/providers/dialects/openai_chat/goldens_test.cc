// Holds the whole dialect to its golden files.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/text/sse_parser.h"
#include "errors/fault.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway {
namespace {

using ::google::protobuf::util::MessageDifferencer;

v1::GenerateRequest GoldenRequest(const std::string& body) {
  v1::GenerateRequest request;
  bool stream = false;
  bool stream_usage = false;
  const absl::Status status =
      OpenAiChat().ReadRequest(body, &request, &stream, &stream_usage);
  EXPECT_TRUE(status.ok()) << status;
  return request;
}

EventList EventsOf(const std::string& stream, size_t cut) {
  EventList events;
  const auto reader = OpenAiChat().NewEventReader();
  const absl::Status status = ReadStream(*reader, stream, cut, &events);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(reader->done());
  return events;
}

v1::GenerateResponse FoldOf(const EventList& events) {
  EventFolding folding;
  for (const v1::GenerateEvent& event : events) folding.Add(event);
  return folding.Finish();
}

std::string StreamOf(const EventList& events) {
  std::string out;
  const auto writer = OpenAiChat().NewEventWriter({.stream_usage = true});
  for (const v1::GenerateEvent& event : events) {
    const absl::Status status = writer->Write(event, &out);
    EXPECT_TRUE(status.ok()) << status;
  }
  v1::GenerateEvent end;
  end.mutable_end()->set_outcome(v1::StreamEnd::OUTCOME_FINISHED);
  EXPECT_TRUE(writer->Write(end, &out).ok());
  return out;
}

// The data of each event of a stream.
std::vector<std::string> DataOf(const std::string& stream) {
  std::vector<std::string> data;
  SseParser parser(1 << 20);
  EXPECT_TRUE(parser.Feed(stream).ok());
  SseEvent event;
  while (parser.Next(&event)) data.emplace_back(event.data);
  EXPECT_TRUE(parser.AtEventBoundary());
  return data;
}

TEST(OpenAiChatGoldensTest, RequestsAreWrittenAsTheyWereRead) {
  for (const Golden& golden : GoldensIn("openai_chat/requests")) {
    SCOPED_TRACE(golden.name);
    const v1::GenerateRequest request = GoldenRequest(golden.text);
    std::string body;
    std::vector<v1::Warning> warnings;
    const absl::Status status = OpenAiChat().WriteRequest(
        request, {.model = request.model()}, &body, &warnings);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(SameJson(body, golden.text));
    EXPECT_TRUE(warnings.empty());
    EXPECT_TRUE(MessageDifferencer::Equals(GoldenRequest(body), request));
  }
}

TEST(OpenAiChatGoldensTest, EveryCutRequestIsRefused) {
  for (const Golden& golden : GoldensIn("openai_chat/requests")) {
    SCOPED_TRACE(golden.name);
    const size_t end = golden.text.find_last_of('}');
    for (size_t length = 0; length < end; ++length) {
      v1::GenerateRequest request;
      bool stream = false;
      bool stream_usage = false;
      const absl::Status status = OpenAiChat().ReadRequest(
          golden.text.substr(0, length), &request, &stream, &stream_usage);
      ASSERT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST)
          << length;
    }
  }
}

TEST(OpenAiChatGoldensTest, AnswersAreWrittenAsTheyWereRead) {
  for (const Golden& golden : GoldensIn("openai_chat/responses")) {
    SCOPED_TRACE(golden.name);
    v1::GenerateResponse response;
    absl::Status status = OpenAiChat().ReadResponse(golden.text, &response);
    ASSERT_TRUE(status.ok()) << status;
    std::string body;
    status = OpenAiChat().WriteResponse(response, &body, nullptr);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(SameJson(body, golden.text));
  }
}

TEST(OpenAiChatGoldensTest, EveryCutAnswerIsABadResponse) {
  for (const Golden& golden : GoldensIn("openai_chat/responses")) {
    SCOPED_TRACE(golden.name);
    const size_t end = golden.text.find_last_of('}');
    for (size_t length = 0; length < end; ++length) {
      v1::GenerateResponse response;
      const absl::Status status =
          OpenAiChat().ReadResponse(golden.text.substr(0, length), &response);
      ASSERT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
          << length;
    }
  }
}

TEST(OpenAiChatGoldensTest, ScanAndReadingAgreeOnAnswers) {
  for (const Golden& golden : GoldensIn("openai_chat/responses")) {
    SCOPED_TRACE(golden.name);
    v1::GenerateResponse response;
    ASSERT_TRUE(OpenAiChat().ReadResponse(golden.text, &response).ok());
    const std::string padded = golden.text + std::string(64, ' ');
    ResponseFacts facts;
    const absl::Status status = OpenAiChat().ScanResponse(
        std::string_view(padded).substr(0, golden.text.size()), &facts);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(facts.has_usage, response.has_usage());
    EXPECT_TRUE(MessageDifferencer::Equals(facts.usage, response.usage()));
    EXPECT_EQ(facts.finish_reason, response.choices(0).finish_reason());
  }
}

TEST(OpenAiChatGoldensTest, StreamsSayTheSameWhereverTheyAreCut) {
  for (const char* directory :
       {"openai_chat/streams", "openai_compatible/streams"}) {
    for (const Golden& golden : GoldensIn(directory)) {
      SCOPED_TRACE(golden.name);
      const v1::GenerateResponse whole = FoldOf(EventsOf(golden.text, 0));
      for (size_t cut = 1; cut <= golden.text.size(); ++cut) {
        ASSERT_TRUE(MessageDifferencer::Equals(
            FoldOf(EventsOf(golden.text, cut)), whole))
            << cut;
      }
    }
  }
}

// Services that leave out what OpenAI always says, or say more: nothing of it
// is lost on the way through.
TEST(OpenAiChatGoldensTest, AnswersOfCompatibleServicesSayTheSameWhenWritten) {
  for (const Golden& golden : GoldensIn("openai_compatible/responses")) {
    SCOPED_TRACE(golden.name);
    v1::GenerateResponse response;
    ASSERT_TRUE(OpenAiChat().ReadResponse(golden.text, &response).ok());
    std::string body;
    ASSERT_TRUE(OpenAiChat().WriteResponse(response, &body, nullptr).ok());
    v1::GenerateResponse again;
    ASSERT_TRUE(OpenAiChat().ReadResponse(body, &again).ok());
    MessageDifferencer differencer;
    // What stands in `usage` is read there, wherever that is.
    differencer.TreatAsSet(
        v1::GenerateResponse::descriptor()->FindFieldByName("extensions"));
    EXPECT_TRUE(differencer.Compare(again, response)) << body;
  }
}

TEST(OpenAiChatGoldensTest, StreamsSayTheSameWhenWritten) {
  for (const Golden& golden : GoldensIn("openai_chat/streams")) {
    SCOPED_TRACE(golden.name);
    const EventList events = EventsOf(golden.text, 0);
    const std::string written = StreamOf(events);
    const v1::GenerateResponse again = FoldOf(EventsOf(written, 0));
    EXPECT_TRUE(MessageDifferencer::Equals(again, FoldOf(events)))
        << again.DebugString();
  }
}

// A stream of one choice is even written event by event as it was read.
TEST(OpenAiChatGoldensTest, StreamsAreWrittenAsTheyWereRead) {
  for (const Golden& golden : GoldensIn("openai_chat/streams")) {
    if (golden.name == "choices") continue;
    SCOPED_TRACE(golden.name);
    const std::vector<std::string> read = DataOf(golden.text);
    const std::vector<std::string> written =
        DataOf(StreamOf(EventsOf(golden.text, 0)));
    ASSERT_EQ(written.size(), read.size());
    for (size_t i = 0; i + 1 < read.size(); ++i) {
      EXPECT_TRUE(SameJson(written[i], read[i]));
    }
    EXPECT_EQ(written.back(), "[DONE]");
  }
}

TEST(OpenAiChatGoldensTest, TheTapKnowsWhatTheReaderKnows) {
  for (const Golden& golden : GoldensIn("openai_chat/streams")) {
    SCOPED_TRACE(golden.name);
    const v1::GenerateResponse whole = FoldOf(EventsOf(golden.text, 0));
    const auto tap = OpenAiChat().NewStreamTap();
    std::vector<EventKind> kinds;
    for (const std::string& data : DataOf(golden.text)) {
      const std::string padded = data + std::string(64, ' ');
      const absl::StatusOr<EventKind> kind =
          tap->OnEvent("", std::string_view(padded).substr(0, data.size()));
      ASSERT_TRUE(kind.ok()) << kind.status();
      EXPECT_EQ(tap->finished(), kinds.size() + 3 >= DataOf(golden.text).size())
          << kinds.size();
      kinds.push_back(*kind);
    }
    ASSERT_GE(kinds.size(), 3u);
    EXPECT_EQ(kinds.back(), EventKind::kTerminal);
    EXPECT_EQ(kinds[kinds.size() - 2], EventKind::kUsage);
    // All that comes before is output, but for the roles that begin choices.
    EXPECT_EQ(kinds[kinds.size() - 3], EventKind::kContent);
    for (size_t i = 0; i + 2 < kinds.size(); ++i) {
      const bool role_alone =
          DataOf(golden.text)[i].find("\"role\"") != std::string::npos;
      if (role_alone) continue;
      EXPECT_EQ(kinds[i], EventKind::kContent);
    }
    EXPECT_TRUE(tap->facts().has_usage);
    EXPECT_TRUE(MessageDifferencer::Equals(tap->facts().usage, whole.usage()));
    // Refusals and tool calls are told by later events than the tap parses.
    if (golden.name != "refusal") {
      EXPECT_EQ(tap->facts().finish_reason, whole.choices(0).finish_reason());
    }
  }
}

TEST(OpenAiChatGoldensTest, ErrorsAreUnderstood) {
  const struct {
    std::string name;
    int status;
    v1::ErrorReason reason;
  } kCases[] = {
      {"rate_limit", 429, v1::ERROR_REASON_PROVIDER_RATE_LIMITED},
      {"quota", 429, v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
      {"context_length", 400, v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED},
      {"bad_temperature", 400, v1::ERROR_REASON_INVALID_REQUEST},
  };
  for (const auto& each : kCases) {
    SCOPED_TRACE(each.name);
    const std::string body =
        ReadGolden("openai_chat/errors/" + each.name + ".json");
    const absl::Status status =
        OpenAiChat().ReadError({.status = each.status, .body = body});
    EXPECT_EQ(FaultReason(status), each.reason);
    EXPECT_EQ(FaultMetadata(status, "http_status"),
              std::to_string(each.status));
  }
}

}  // namespace
}  // namespace gateway
