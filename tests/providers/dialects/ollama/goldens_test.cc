// Holds the dialect to its golden files: neutral questions with the requests
// that they become, and answers, whole and streamed, with what they mean.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json_lines.h"
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

using Events = EventList;

// Reads `bytes` as they would arrive if cut at `cut`.
absl::Status ReadLines(EventReader& reader, std::string_view bytes, size_t cut,
                       Events* events) {
  JsonLines lines(1 << 20);
  // The reader may look at some bytes behind the text.
  const std::string pieces[2] = {std::string(bytes.substr(0, cut)),
                                 std::string(bytes.substr(cut))};
  for (std::string piece : pieces) {
    const size_t size = piece.size();
    piece.append(kJsonPaddingBytes, '\0');
    GATEWAY_RETURN_IF_ERROR(
        lines.Feed(std::string_view(piece).substr(0, size)));
    std::string_view line;
    while (lines.Next(&line)) {
      GATEWAY_RETURN_IF_ERROR(reader.Read("", line, events));
    }
  }
  return absl::OkStatus();
}

// The answer that the events make up. Vendor fields of a stream stand where
// they were said, so they are left out, as is what the folding does not know.
v1::GenerateResponse FoldOf(const Events& events) {
  EventFolding folding;
  v1::Logprobs logprobs;
  for (const v1::GenerateEvent& event : events) {
    folding.Add(event);
    if (event.has_delta()) logprobs.MergeFrom(event.delta().logprobs());
  }
  v1::GenerateResponse response = folding.Finish();
  response.clear_extensions();
  for (v1::Choice& choice : *response.mutable_choices()) {
    choice.clear_extensions();
    if (!logprobs.content().empty()) *choice.mutable_logprobs() = logprobs;
  }
  return response;
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

TEST(OllamaGoldensTest, StreamsMakeUpTheirAnswersAtEverySplit) {
  for (const Golden& golden : GoldensIn("ollama/responses")) {
    SCOPED_TRACE(golden.name);
    v1::GenerateResponse answer = AnswerOf(golden.name);
    answer.clear_extensions();
    answer.clear_create_time();
    const std::string stream =
        ReadGolden("ollama/streams/" + golden.name + ".ndjson");
    for (size_t cut = 0; cut <= stream.size(); ++cut) {
      ChatEventReader reader;
      Events events;
      const absl::Status status = ReadLines(reader, stream, cut, &events);
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_TRUE(reader.done());
      const v1::GenerateResponse folded = FoldOf(events);
      ASSERT_TRUE(MessageDifferencer::Equals(folded, answer))
          << cut << ": " << folded.DebugString();
    }
  }
}

TEST(OllamaGoldensTest, AStreamThatBreaksOffIsNeverDone) {
  for (const Golden& golden : GoldensIn("ollama/responses")) {
    SCOPED_TRACE(golden.name);
    const std::string stream =
        ReadGolden("ollama/streams/" + golden.name + ".ndjson");
    for (size_t length = 0; length < stream.size(); ++length) {
      ChatEventReader reader;
      Events events;
      ASSERT_TRUE(
          ReadLines(reader, stream.substr(0, length), length, &events).ok());
      ASSERT_FALSE(reader.done()) << length;
    }
  }
  ChatEventReader reader;
  Events events;
  const std::string stream = ReadGolden("ollama/streams/interrupted.ndjson");
  EXPECT_EQ(FaultReason(ReadLines(reader, stream, 0, &events)),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST(OllamaGoldensTest, AnErrorLineEndsItsStreamAtEverySplit) {
  const std::string stream = ReadGolden("ollama/streams/error.ndjson");
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    ChatEventReader reader;
    Events events;
    const absl::Status status = ReadLines(reader, stream, cut, &events);
    ASSERT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    ASSERT_EQ(status.message(),
              "an error was encountered while running the model: CUDA error");
    ASSERT_EQ(events.size(), 2u);
    ASSERT_EQ(events[1].delta().text(), "Hel");
  }
}

// No prefix of an answer is an answer, and none does harm.
TEST(OllamaGoldensTest, CutResponsesAreRefused) {
  for (const Golden& golden : GoldensIn("ollama/responses")) {
    SCOPED_TRACE(golden.name);
    const size_t end = golden.text.find_last_of('}');
    for (size_t length = 0; length < end; ++length) {
      v1::GenerateResponse response;
      ASSERT_EQ(
          FaultReason(ReadResponse(golden.text.substr(0, length), &response)),
          v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
          << length;
    }
  }
}

}  // namespace
}  // namespace gateway::ollama
