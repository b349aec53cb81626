// Holds the dialect to its golden files in what no other dialect has; the rest
// is in tests/providers/dialects/goldens_test.cc.

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

EventList EventsOf(const std::string& stream) {
  EventList events;
  const auto reader = OpenAiChat().NewEventReader();
  const absl::Status status = ReadStream(*reader, stream, 0, &events);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(reader->done());
  return events;
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
  EXPECT_EQ(parser.Rest(), "");
  return data;
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

// A stream of one choice is even written event by event as it was read.
TEST(OpenAiChatGoldensTest, StreamsAreWrittenAsTheyWereRead) {
  for (const Golden& golden : GoldensIn("openai_chat/streams")) {
    if (golden.name == "choices") continue;
    SCOPED_TRACE(golden.name);
    const std::vector<std::string> read = DataOf(golden.text);
    const std::vector<std::string> written =
        DataOf(StreamOf(EventsOf(golden.text)));
    ASSERT_EQ(written.size(), read.size());
    for (size_t i = 0; i + 1 < read.size(); ++i) {
      EXPECT_TRUE(SameJson(written[i], read[i]));
    }
    EXPECT_EQ(written.back(), "[DONE]");
  }
}

TEST(OpenAiChatGoldensTest, TheTapTellsOutputFromWhatEndsIt) {
  for (const Golden& golden : GoldensIn("openai_chat/streams")) {
    SCOPED_TRACE(golden.name);
    const std::vector<std::string> events = DataOf(golden.text);
    const auto tap = OpenAiChat().NewStreamTap();
    std::vector<EventKind> kinds;
    for (const std::string& data : events) {
      const absl::StatusOr<EventKind> kind = tap->OnEvent("", data);
      ASSERT_TRUE(kind.ok()) << kind.status();
      EXPECT_EQ(tap->finished(), kinds.size() + 3 >= events.size())
          << kinds.size();
      kinds.push_back(*kind);
    }
    ASSERT_GE(kinds.size(), 3u);
    EXPECT_EQ(kinds.back(), EventKind::kTerminal);
    EXPECT_EQ(kinds[kinds.size() - 2], EventKind::kUsage);
    // All that comes before is output, but for the roles that begin choices.
    EXPECT_EQ(kinds[kinds.size() - 3], EventKind::kContent);
    for (size_t i = 0; i + 2 < kinds.size(); ++i) {
      if (events[i].find("\"role\"") != std::string::npos) continue;
      EXPECT_EQ(kinds[i], EventKind::kContent);
    }
    EXPECT_TRUE(tap->facts().has_usage);
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
