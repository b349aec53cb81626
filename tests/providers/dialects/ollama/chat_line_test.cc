#include "providers/dialects/ollama/chat_line.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway::ollama {
namespace {

using ::testing::HasSubstr;

ChatLine LineOf(const std::string& text) {
  ChatLine line;
  const absl::Status status = ReadChatLine(text, &line);
  EXPECT_TRUE(status.ok()) << status;
  return line;
}

absl::Status Failure(const std::string& text) {
  ChatLine line;
  return ReadChatLine(text, &line);
}

std::string Calling(const std::string& moment, const std::string& calls) {
  return absl::StrCat(R"({"created_at":")", moment,
                      R"(","message":{"tool_calls":[)", calls, "]}}");
}

TEST(ChatLineTest, ReadsWhatItKnowsAndKeepsTheRest) {
  const ChatLine line = LineOf(
      R"({"model":"m","created_at":"x","message":{"role":"assistant",
          "content":"c","thinking":"t","images":["aGk="],"mood":null},
          "done":true,"done_reason":"stop","prompt_eval_count":3,
          "eval_count":5,"total_duration":12, "odd" : {"a" : 1},
          "nothing":null})");
  EXPECT_EQ(line.model, "m");
  EXPECT_EQ(line.created_at, "x");
  EXPECT_EQ(line.text, "c");
  EXPECT_EQ(line.thinking, "t");
  EXPECT_TRUE(line.done);
  EXPECT_TRUE(line.has_message);
  EXPECT_FALSE(line.is_error);
  EXPECT_EQ(line.done_reason, "stop");
  EXPECT_EQ(line.ToUsage().input_tokens(), 3);
  EXPECT_EQ(line.ToUsage().output_tokens(), 5);
  ASSERT_EQ(line.extensions.size(), 2);
  EXPECT_EQ(line.extensions.at(0).name(), "total_duration");
  EXPECT_EQ(line.extensions.at(1).json(), R"({"a" : 1})");
  EXPECT_EQ(line.extensions.at(1).dialect(), "ollama");
  ASSERT_EQ(line.message_extensions.size(), 1);
  EXPECT_EQ(line.message_extensions.at(0).json(), R"(["aGk="])");
}

TEST(ChatLineTest, CountsThatAreLeftOutAreZero) {
  const ChatLine line = LineOf(R"({"done":true,"eval_count":null})");
  EXPECT_EQ(line.ToUsage().input_tokens(), 0);
  EXPECT_EQ(line.ToUsage().output_tokens(), 0);
  EXPECT_FALSE(line.has_message);
}

TEST(ChatLineTest, AToolCallHasItsArgumentsAsTheirShortestText) {
  const ChatLine line = LineOf(Calling(
      "x", R"({"id":"i","type":"function","function":{"index":0,"name":"f",
               "arguments":{"a":  [1.50, "\u00e9"]},"extra":7},"more":{}})"));
  ASSERT_EQ(line.calls.size(), 1u);
  const v1::Part& part = line.calls[0];
  EXPECT_EQ(part.tool_call().id(), "i");
  EXPECT_EQ(part.tool_call().name(), "f");
  EXPECT_EQ(part.tool_call().arguments(), R"({"a":[1.50,"é"]})");
  EXPECT_EQ(part.tool_call().kind(), v1::TOOL_KIND_FUNCTION);
  ASSERT_EQ(part.extensions_size(), 2);
  EXPECT_EQ(part.extensions(0).name(), "function.extra");
  EXPECT_EQ(part.extensions(1).name(), "more");
}

TEST(ChatLineTest, ArgumentsMayBeTextOrMissing) {
  const ChatLine line =
      LineOf(Calling("x", R"({"function":{"name":"f","arguments":"{\"a\":1}"}},
                           {"function":{"name":"g"}},
                           {"function":{"name":"h","arguments":null}})"));
  ASSERT_EQ(line.calls.size(), 3u);
  EXPECT_EQ(line.calls[0].tool_call().arguments(), R"({"a":1})");
  EXPECT_EQ(line.calls[1].tool_call().arguments(), "{}");
  EXPECT_EQ(line.calls[2].tool_call().arguments(), "{}");
}

TEST(ChatLineTest, InventedIdsAreTheSameForTheSameBytesAndDifferOtherwise) {
  const std::string call = R"({"function":{"name":"f","arguments":{"a":1}}})";
  const std::string other = R"({"function":{"name":"f","arguments":{"a":2}}})";
  const auto ids = [](const std::string& text) {
    const ChatLine line = LineOf(text);
    std::string all;
    for (const v1::Part& part : line.calls) {
      EXPECT_THAT(part.tool_call().id(), HasSubstr("call_"));
      EXPECT_EQ(part.tool_call().id().size(), 21u);
      absl::StrAppend(&all, part.tool_call().id(), " ");
    }
    return all;
  };
  EXPECT_EQ(ids(Calling("1", call)), ids(Calling("1", call)));
  EXPECT_NE(ids(Calling("1", call)), ids(Calling("1", other)));
  // Another turn, and another call of the same turn.
  EXPECT_NE(ids(Calling("1", call)), ids(Calling("2", call)));
  const ChatLine twice = LineOf(Calling("1", call + "," + call));
  ASSERT_EQ(twice.calls.size(), 2u);
  EXPECT_NE(twice.calls[0].tool_call().id(), twice.calls[1].tool_call().id());
}

TEST(ChatLineTest, NamesThePlaceOfWhatIsWrong) {
  EXPECT_THAT(std::string(Failure(R"({"message":{"content":5}})").message()),
              HasSubstr("message.content"));
  EXPECT_THAT(
      std::string(
          Failure(R"({"message":{"tool_calls":[{"id":"x"}]}})").message()),
      HasSubstr("message.tool_calls[0].function: required"));
  EXPECT_THAT(
      std::string(
          Failure(R"({"message":{"tool_calls":[{"function":{}}]}})").message()),
      HasSubstr("message.tool_calls[0].function.name: required"));
  // Of a usage the rest holds.
  EXPECT_THAT(std::string(LineOf(R"({"eval_count":-1})").usage_fault.message()),
              HasSubstr("eval_count"));
  EXPECT_TRUE(absl::IsInvalidArgument(Failure(R"({"done":"yes"})")));
  EXPECT_TRUE(absl::IsInvalidArgument(Failure("{")));
  EXPECT_TRUE(absl::IsInvalidArgument(Failure("<html>")));
}

TEST(ReadMomentTest, TakesFractionsAndZones) {
  google::protobuf::Timestamp moment;
  ASSERT_TRUE(ReadMoment("2026-01-01T02:00:00.123456789+02:00", &moment));
  EXPECT_EQ(moment.seconds(), 1767225600);
  EXPECT_EQ(moment.nanos(), 123456789);
  EXPECT_FALSE(ReadMoment("yesterday", &moment));
  EXPECT_FALSE(ReadMoment("", &moment));
}

TEST(FinishReasonOfTurnTest, FollowsTheWordTheCallsAndTheContent) {
  EXPECT_EQ(FinishReasonOfTurn("stop", false, true), v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOfTurn("stop", false, false), v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOfTurn("", false, false), v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOfTurn("stop", true, true),
            v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(FinishReasonOfTurn("length", true, true), v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(FinishReasonOfTurn("new word", false, true),
            v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOfTurn("new word", false, false),
            v1::FINISH_REASON_ERROR);
}

TEST(AsBadResponseTest, BlamesTheProviderForItsJson) {
  EXPECT_EQ(FaultReason(AsBadResponse(Failure("{"))),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_TRUE(AsBadResponse(absl::OkStatus()).ok());
  EXPECT_TRUE(absl::IsCancelled(AsBadResponse(absl::CancelledError(""))));
}

}  // namespace
}  // namespace gateway::ollama
