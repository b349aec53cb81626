#include "providers/dialects/gemini/event_reader.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"

namespace gateway::gemini {
namespace {

class GeminiEventReaderTest : public testing::Test {
 protected:
  absl::Status Read(std::string_view data) {
    return reader_.Read("", data, &events_);
  }

  // Reads a part of the first answer.
  void ReadPart(std::string_view part) {
    std::string chunk = R"({"candidates":[{"content":{"parts":[)";
    const absl::Status status = Read(chunk.append(part).append("]}}]}"));
    ASSERT_TRUE(status.ok()) << status;
  }

  ChunkReader reader_;
  EventList events_;
};

TEST_F(GeminiEventReaderTest, TextsThatFollowOneAnotherAreOnePart) {
  ReadPart(R"({"text":"a"})");
  ReadPart(R"({"text":"b"})");
  ReadPart(R"({"text":"c","thought":true})");
  ReadPart(R"({"text":"d"},{"text":""})");
  ASSERT_EQ(events_.size(), 5u);
  EXPECT_TRUE(events_[0].has_started());
  EXPECT_EQ(events_[1].delta().part_index(), 0);
  EXPECT_EQ(events_[2].delta().part_index(), 0);
  EXPECT_EQ(events_[3].delta().part_index(), 1);
  EXPECT_EQ(events_[3].delta().reasoning(), "c");
  EXPECT_EQ(events_[4].delta().part_index(), 2);
}

TEST_F(GeminiEventReaderTest, ACallInPiecesIsDeliveredWithItsLast) {
  ReadPart(R"({"functionCall":{"name":"f","willContinue":true}})");
  ReadPart(R"({"functionCall":{"partialArgs":[{"jsonPath":"$.a",)"
           R"("stringValue":"x","willContinue":true}],"willContinue":true}})");
  ReadPart(R"({"functionCall":{"partialArgs":[{"jsonPath":"$.a",)"
           R"("stringValue":"y"}],"willContinue":true}})");
  ASSERT_EQ(events_.size(), 1u);
  ReadPart(R"({"functionCall":{}})");
  ASSERT_EQ(events_.size(), 2u);
  const v1::ToolCallDelta& call = events_[1].delta().tool_call();
  EXPECT_EQ(call.name(), "f");
  EXPECT_EQ(call.arguments(), R"({"a":"xy"})");
  EXPECT_NE(call.id(), "");
  // The next one is another, and ends with the answer if need be.
  ReadPart(R"({"functionCall":{"name":"g","willContinue":true}})");
  ASSERT_TRUE(Read(R"({"candidates":[{"finishReason":"STOP"}]})").ok());
  ASSERT_EQ(events_.size(), 4u);
  EXPECT_EQ(events_[2].delta().tool_call().name(), "g");
  EXPECT_EQ(events_[2].delta().tool_call().index(), 1);
  EXPECT_EQ(events_[3].choice_end().finish_reason(),
            v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_FALSE(
      Read(R"({"candidates":[{"content":{"parts":[)"
           R"({"functionCall":{"args":{}}}]}}]})")
          .ok());
}

TEST_F(GeminiEventReaderTest, ASignedPartStandsAlone) {
  ReadPart(R"({"text":"a"})");
  ReadPart(R"({"text":"b","thoughtSignature":"c2ln"})");
  ReadPart(R"({"text":"c"})");
  ReadPart(R"({"text":"","thoughtSignature":"ZW5k"})");
  ASSERT_EQ(events_.size(), 5u);
  EXPECT_EQ(events_[2].delta().part_index(), 1);
  EXPECT_EQ(events_[2].delta().extensions(0).json(), "\"c2ln\"");
  EXPECT_EQ(events_[3].delta().part_index(), 2);
  EXPECT_EQ(events_[4].delta().part_index(), 3);
  EXPECT_TRUE(events_[4].delta().has_text());
}

TEST_F(GeminiEventReaderTest, ASignedThoughtHasItsSignatureBehindIt) {
  ReadPart(R"({"text":"a","thought":true,"thoughtSignature":"c2ln"})");
  ASSERT_EQ(events_.size(), 3u);
  EXPECT_EQ(events_[1].delta().reasoning(), "a");
  EXPECT_EQ(events_[2].delta().reasoning_signature(), "seal:gemini:c2ln");
  EXPECT_EQ(events_[2].delta().part_index(), 0);
}

TEST_F(GeminiEventReaderTest, ACallIsRememberedUntilTheEnd) {
  ReadPart(R"({"functionCall":{"name":"f","args":{"a":1}}},
              {"functionCall":{"name":"g"}})");
  ASSERT_TRUE(Read(R"({"candidates":[{"content":{"parts":[{"text":""}]},
                       "finishReason":"STOP"}]})")
                  .ok());
  ASSERT_EQ(events_.size(), 4u);
  EXPECT_EQ(events_[1].delta().tool_call().arguments(), R"({"a":1})");
  EXPECT_EQ(events_[1].delta().tool_call().index(), 0);
  EXPECT_EQ(events_[2].delta().tool_call().index(), 1);
  EXPECT_EQ(events_[3].choice_end().finish_reason(),
            v1::FINISH_REASON_TOOL_CALLS);
}

TEST_F(GeminiEventReaderTest, APictureIsAPieceOfItsOwn) {
  ReadPart(R"({"inlineData":{"mimeType":"image/png","data":"aGk="}})");
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_EQ(events_[1].delta().image().media_type(), "image/png");
  EXPECT_EQ(events_[1].delta().image().data(), "hi");
}

TEST_F(GeminiEventReaderTest, UsageIsToldWhenItChanges) {
  const std::string_view chunk = R"({"usageMetadata":{"promptTokenCount":7}})";
  ASSERT_TRUE(Read(chunk).ok());
  ASSERT_TRUE(Read(chunk).ok());
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_EQ(events_[1].usage().input_tokens(), 7);
  EXPECT_EQ(reader_.usage().input_tokens(), 7);
}

TEST_F(GeminiEventReaderTest, CitationsAreToldAtOnceAndOtherFieldsAtTheEnd) {
  ASSERT_TRUE(Read(R"({"candidates":[{"content":{"parts":[{"text":"a"}]},
      "citationMetadata":{"x":1},"safetyRatings":[1]}]})")
                  .ok());
  ASSERT_TRUE(Read(R"({"candidates":[{"finishReason":"STOP",
      "safetyRatings":[2]}],
      "usageMetadata":{"promptTokensDetails":[]}})")
                  .ok());
  ASSERT_EQ(events_.size(), 4u);
  EXPECT_EQ(events_[2].delta().extensions(0).name(), "citationMetadata");
  const v1::ChoiceEnd& end = events_[3].choice_end();
  ASSERT_EQ(end.extensions_size(), 2);
  EXPECT_EQ(end.extensions(0).json(), "[2]");
  EXPECT_EQ(end.extensions(1).name(), "usageMetadata.promptTokensDetails");
}

TEST_F(GeminiEventReaderTest, OtherFieldsAreBoundedHoweverTheyCome) {
  absl::Status status;
  int read = 0;
  while (status.ok() && read < 1000) {
    ++read;
    status = Read(R"({"candidates":[{"content":{"parts":[{"text":"a"}]},"k)" +
                  std::to_string(read) + R"(":1,"same":2}]})");
  }
  EXPECT_EQ(read, 128);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST_F(GeminiEventReaderTest, LikelihoodsComeWithTheirPiece) {
  ASSERT_TRUE(Read(R"({"candidates":[{"content":{"parts":[{"text":"a"}]},
      "logprobsResult":{"chosenCandidates":
        [{"token":"a","logProbability":-1}]}}]})")
                  .ok());
  EXPECT_EQ(events_[1].delta().logprobs().content(0).token(), "a");
}

TEST_F(GeminiEventReaderTest, IsCompleteWhenEveryAnswerHasEnded) {
  EXPECT_FALSE(reader_.CompleteAtClose());
  ASSERT_TRUE(Read(R"({"candidates":[{"index":0},{"index":1}]})").ok());
  EXPECT_FALSE(reader_.CompleteAtClose());
  ASSERT_TRUE(
      Read(R"({"candidates":[{"index":1,"finishReason":"STOP"}]})").ok());
  EXPECT_FALSE(reader_.CompleteAtClose());
  ASSERT_TRUE(Read(R"({"candidates":[{"finishReason":"STOP"}]})").ok());
  EXPECT_TRUE(reader_.CompleteAtClose());
  EXPECT_FALSE(reader_.done());
  // A second word changes nothing.
  const size_t before = events_.size();
  ASSERT_TRUE(Read(R"({"candidates":[{"finishReason":"OTHER"}]})").ok());
  EXPECT_EQ(events_.size(), before);
}

TEST_F(GeminiEventReaderTest, AnErrorAmidTheStreamIsAFault) {
  const absl::Status status =
      ReadStream(reader_, ReadGolden("gemini/streams/error.sse"), 0, &events_);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(events_.size(), 2u);
}

TEST_F(GeminiEventReaderTest, AStreamWithoutAReasonIsNotComplete) {
  ASSERT_TRUE(ReadStream(reader_, ReadGolden("gemini/streams/interrupted.sse"),
                         0, &events_)
                  .ok());
  EXPECT_FALSE(reader_.CompleteAtClose());
}

TEST_F(GeminiEventReaderTest, WhatIsNoAnswerIsTheProvidersFault) {
  EXPECT_EQ(FaultReason(Read("{")), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_TRUE(Read(" ").ok());
  EXPECT_TRUE(events_.empty());
}

}  // namespace
}  // namespace gateway::gemini
