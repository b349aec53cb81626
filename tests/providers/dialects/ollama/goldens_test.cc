// Holds the dialect to its golden files in what no other dialect has: neutral
// questions with the requests that they become, and answers with what they
// mean. The rest is in tests/providers/dialects/goldens_test.cc.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/ollama/event_reader.h"
#include "providers/dialects/ollama/request_writer.h"
#include "providers/dialects/ollama/response.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"
#include "tests/providers/dialects/ollama/neutral_text.h"

namespace gateway::ollama {
namespace {

using ::google::protobuf::util::MessageDifferencer;

absl::Status Read(std::string_view stream, ChatEventReader* reader,
                  EventList* events) {
  return ReadStream(*reader, stream, 0, events, Framing::kJsonLines);
}

v1::GenerateResponse AnswerOf(const std::string& name) {
  return Parse<v1::GenerateResponse>(
      ReadGolden("ollama/answers/" + name + ".txtpb"));
}

TEST(OllamaGoldensTest, QuestionsBecomeTheirRequests) {
  for (const Golden& golden : GoldensIn("ollama/questions")) {
    SCOPED_TRACE(golden.name);
    std::string body;
    std::vector<v1::Warning> warnings;
    const absl::Status status =
        WriteRequest(Parse<v1::GenerateRequest>(golden.text),
                     {.model = "qwen3", .stream = false}, "", &body, &warnings);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(
        SameJson(body, ReadGolden("ollama/requests/" + golden.name + ".json")));
    for (const v1::Warning& warning : warnings) {
      EXPECT_EQ(warning.field(), "tools[].custom") << warning.message();
    }
  }
}

TEST(OllamaGoldensTest, ResponsesMeanTheirAnswers) {
  for (const Golden& golden : GoldensIn("ollama/responses")) {
    SCOPED_TRACE(golden.name);
    v1::GenerateResponse response;
    const absl::Status status = ReadResponse(golden.text, &response);
    ASSERT_TRUE(status.ok()) << status;
    const v1::GenerateResponse answer = AnswerOf(golden.name);
    EXPECT_TRUE(MessageDifferencer::Equals(response, answer))
        << response.DebugString();
  }
}

TEST(OllamaGoldensTest, AStreamThatBreaksOffIsNeverDone) {
  for (const Golden& golden : GoldensIn("ollama/responses")) {
    SCOPED_TRACE(golden.name);
    const std::string stream =
        ReadGolden("ollama/streams/" + golden.name + ".ndjson");
    for (size_t length = 0; length < stream.size(); ++length) {
      ChatEventReader reader;
      EventList events;
      ASSERT_TRUE(Read(stream.substr(0, length), &reader, &events).ok());
      ASSERT_FALSE(reader.done()) << length;
    }
  }
  ChatEventReader reader;
  EventList events;
  const std::string stream = ReadGolden("ollama/streams/interrupted.ndjson");
  EXPECT_EQ(FaultReason(Read(stream, &reader, &events)),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST(OllamaGoldensTest, AnErrorLineEndsItsStream) {
  const std::string stream = ReadGolden("ollama/streams/error.ndjson");
  ChatEventReader reader;
  EventList events;
  const absl::Status status = Read(stream, &reader, &events);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(status.message(),
            "an error was encountered while running the model: CUDA error");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].delta().text(), "Hel");
}

}  // namespace
}  // namespace gateway::ollama
