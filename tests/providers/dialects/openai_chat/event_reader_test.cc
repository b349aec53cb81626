#include "providers/dialects/openai_chat/event_reader.h"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/dialect.h"
#include "tests/providers/dialects/event_folding.h"

namespace gateway::chat {
namespace {

class OpenAiChatEventReaderTest : public testing::Test {
 protected:
  absl::Status Read(std::string_view data, std::string_view name = "") {
    return reader_->Read(name, data, &events_);
  }

  // Reads a chunk of one choice.
  absl::Status ReadChoice(std::string_view fields) {
    return Read(R"({"id":"i","model":"m","choices":[{"index":0,)" +
                std::string(fields) + "}]}");
  }

  v1::GenerateResponse Fold() {
    EventFolding folding;
    for (const v1::GenerateEvent& event : events_) folding.Add(event);
    return folding.Finish();
  }

  std::unique_ptr<EventReader> reader_ = NewEventReader();
  EventList events_;
};

TEST_F(OpenAiChatEventReaderTest, StartsOnceAndWithTheFirstChoice) {
  // Azure's preface has blank names.
  ASSERT_TRUE(Read(R"({"choices":[],"created":0,"id":"","model":"",)"
                   R"("object":"","prompt_filter_results":[1]})")
                  .ok());
  EXPECT_TRUE(events_.empty());
  ASSERT_TRUE(ReadChoice(R"("delta":{"role":"assistant","content":""})").ok());
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"a"})").ok());
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_EQ(events_[0].started().id(), "i");
  EXPECT_EQ(events_[0].started().model(), "m");
  ASSERT_EQ(events_[0].started().extensions_size(), 1);
  EXPECT_EQ(events_[0].started().extensions(0).name(), "prompt_filter_results");
  EXPECT_EQ(events_[1].delta().text(), "a");
}

TEST_F(OpenAiChatEventReaderTest, FieldsThatNobodyKnowsAreBounded) {
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(
        Read(absl::StrCat(R"({"choices":[],"k)", i, R"(":1})")).ok());
  }
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"a"})").ok());
  EXPECT_EQ(events_[0].started().extensions_size(), 128);
  std::string many = R"({"choices":[])";
  for (int i = 0; i < 129; ++i) absl::StrAppend(&many, ",\"m", i, "\":1");
  EXPECT_EQ(FaultReason(Read(many + "}")),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST_F(OpenAiChatEventReaderTest, WhatEveryChunkRepeatsIsToldOnce) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Read(R"({"id":"i","provider":"P","obfuscation":"xyz",)"
                     R"("choices":[{"index":0,"delta":{"content":"a"}}]})")
                    .ok());
  }
  ASSERT_EQ(events_.size(), 4u);
  EXPECT_EQ(events_[0].started().extensions_size(), 1);
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(events_[i].delta().extensions_size(), 0);
  }
}

// Deltas that come one after the other, of which some repeat all of the last
// but its text.
std::vector<std::string> RepeatingChoices() {
  return {
      R"("index":0,"delta":{"role":"assistant","content":""})",
      R"("index":0,"delta":{"content":"one"})",
      R"("index":0,"delta":{"content":"two"})",
      R"("index":0,"delta":{"content":"gr\u00fc\u00dfe"})",
      "\"index\":0,\"delta\":{\"content\":\"gr\xC3\xBC\xC3\x9F"
      "e\"}",
      R"("index":0,"delta":{"content":""})",
      R"("index":0,"delta":{"content":"a\nb"})",
      R"("index":1,"delta":{"content":"other"})",
      R"("index":1,"delta":{"content":"choice"})",
      R"("index":0,"delta":{"content":"three"})",
      R"("index":0,"delta":{"reasoning_content":"think"})",
      R"("index":0,"delta":{"reasoning_content":"again"})",
      R"("index":0,"delta":{"content":"x","refusal":"no"})",
      R"("index":0,"delta":{"content":"y","refusal":"no"})",
      R"("index":0,"delta":{"content":"x","hint":1})",
      R"("index":0,"delta":{"content":"y","hint":1})",
      R"("index":0,"delta":{"content":"x"},"logprobs":{"content":[]})",
      R"("index":0,"delta":{"content":"y"},"logprobs":{"content":[]})",
      R"("index":0,"delta":{"content":"last"},"finish_reason":"stop")",
      R"("index":0,"delta":{"content":"lost"},"finish_reason":"stop")",
  };
}

TEST_F(OpenAiChatEventReaderTest, ChunksThatRepeatAreReadAsIfTheyDidNot) {
  const std::unique_ptr<EventReader> other = NewEventReader();
  EventList expected;
  int chunks = 0;
  for (const std::string& choice : RepeatingChoices()) {
    const std::string rest = R"("choices":[{)" + choice + "}]}";
    ASSERT_TRUE(Read(R"( {"id":"i",)" + rest).ok()) << choice;
    // With something new in each there is none like another.
    ASSERT_TRUE(other
                    ->Read("",
                           R"({"id":"i","obfuscation":")" +
                               std::string(++chunks, 'x') + R"(",)" + rest,
                           &expected)
                    .ok());
  }
  ASSERT_EQ(events_.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(events_[i].DebugString(), expected[i].DebugString());
  }
}

TEST_F(OpenAiChatEventReaderTest, WhatIsNoJsonIsRefusedThoughItRepeats) {
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"a"})").ok());
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"b"})").ok());
  EXPECT_FALSE(ReadChoice("\"delta\":{\"content\":\"a\nb\"}").ok());
  EXPECT_FALSE(ReadChoice("\"delta\":{\"content\":\"\xFF\"}").ok());
  EXPECT_FALSE(ReadChoice(R"("delta":{"content":"a"b"})").ok());
}

TEST_F(OpenAiChatEventReaderTest, TextIsOnePartThoughToolCallsInterrupt) {
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"a"})").ok());
  ASSERT_TRUE(ReadChoice(R"("delta":{"tool_calls":[{"index":0,"id":"c",)"
                         R"("function":{"name":"f","arguments":""}}]})")
                  .ok());
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"b"})").ok());
  const v1::GenerateResponse response = Fold();
  ASSERT_EQ(response.choices(0).message().parts_size(), 2);
  EXPECT_EQ(response.choices(0).message().parts(0).text(), "ab");
}

TEST_F(OpenAiChatEventReaderTest, RepeatedNamesAreToldOnce) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(ReadChoice(R"("delta":{"tool_calls":[{"index":0,"id":"c",)"
                           R"("function":{"name":"f","arguments":"x"}}]})")
                    .ok());
  }
  EXPECT_EQ(events_.back().delta().tool_call().id(), "");
  EXPECT_EQ(events_.back().delta().tool_call().name(), "");
  const v1::ToolCall call = Fold().choices(0).message().parts(0).tool_call();
  EXPECT_EQ(call.id(), "c");
  EXPECT_EQ(call.arguments(), "xx");
}

TEST_F(OpenAiChatEventReaderTest, ANewIdBeginsANewCallWhereTheIndexIsMissing) {
  for (const std::string_view call :
       {R"({"id":"a","function":{"name":"f","arguments":"1"}})",
        R"({"function":{"arguments":"2"}})",
        R"({"id":"b","function":{"name":"g","arguments":"3"}})",
        R"({"id":"b","function":{"arguments":"4"}})"}) {
    ASSERT_TRUE(
        ReadChoice("\"delta\":{\"tool_calls\":[" + std::string(call) + "]}")
            .ok());
  }
  const v1::Message message = Fold().choices(0).message();
  ASSERT_EQ(message.parts_size(), 2);
  EXPECT_EQ(message.parts(0).tool_call().arguments(), "12");
  EXPECT_EQ(message.parts(1).tool_call().arguments(), "34");
}

TEST_F(OpenAiChatEventReaderTest, CallsThatShareAnIndexAreSeveral) {
  for (const std::string_view call :
       {R"({"index":0,"id":"a","function":{"name":"f","arguments":"1"}})",
        R"({"index":0,"id":"b","function":{"name":"g","arguments":"2"}})",
        R"({"index":0,"function":{"arguments":"3"}})",
        // An id alone begins nothing: some make one up for each piece.
        R"({"index":0,"id":"x","function":{"arguments":"4"}})",
        R"({"index":1,"id":"c","function":{"name":"h","arguments":"5"}})"}) {
    ASSERT_TRUE(
        ReadChoice("\"delta\":{\"tool_calls\":[" + std::string(call) + "]}")
            .ok());
  }
  const v1::Message message = Fold().choices(0).message();
  ASSERT_EQ(message.parts_size(), 3);
  EXPECT_EQ(message.parts(0).tool_call().arguments(), "1");
  EXPECT_EQ(message.parts(1).tool_call().id(), "b");
  EXPECT_EQ(message.parts(1).tool_call().arguments(), "234");
  EXPECT_EQ(message.parts(2).tool_call().name(), "h");
}

TEST_F(OpenAiChatEventReaderTest, CallsWithoutIdsAreToldApartByTheirNames) {
  const std::vector<std::vector<std::string_view>> turns = {
      // The same index, and ids without letters.
      {R"({"index":0,"id":"","function":{"name":"f","arguments":"{\"x\":1}"}})",
       R"({"index":0,"id":"","function":{"name":"g","arguments":"{}"}})",
       R"({"index":0,"id":"","function":{"name":"g","arguments":"{ }"}})"},
      // Nothing but a name, which may be repeated, in pieces.
      {R"({"function":{"name":"f","arguments":"{\"x\""}})",
       R"({"function":{"name":"f","arguments":":1}"}})",
       R"({"function":{"name":"g","arguments":""}})",
       R"({"function":{"arguments":"{}"}})",
       R"({"function":{"name":"g","arguments":""}})",
       R"({"function":{"arguments":"{ }"}})"},
  };
  for (const std::vector<std::string_view>& turn : turns) {
    reader_ = NewEventReader();
    events_.clear();
    for (const std::string_view call : turn) {
      ASSERT_TRUE(
          ReadChoice("\"delta\":{\"tool_calls\":[" + std::string(call) + "]}")
              .ok());
    }
    const v1::Message message = Fold().choices(0).message();
    ASSERT_EQ(message.parts_size(), 3);
    EXPECT_EQ(message.parts(0).tool_call().name(), "f");
    EXPECT_EQ(message.parts(0).tool_call().arguments(), "{\"x\":1}");
    EXPECT_EQ(message.parts(1).tool_call().name(), "g");
    EXPECT_EQ(message.parts(1).tool_call().arguments(), "{}");
    EXPECT_EQ(message.parts(2).tool_call().name(), "g");
    EXPECT_EQ(message.parts(2).tool_call().arguments(), "{ }");
    EXPECT_NE(message.parts(1).tool_call().id(),
              message.parts(2).tool_call().id());
  }
}

TEST_F(OpenAiChatEventReaderTest, ANameThatIsRepeatedAtTheEndBeginsNothing) {
  for (const std::string_view call :
       {R"({"index":0,"function":{"name":"f","arguments":"{}"}})",
        R"({"index":0,"id":"","function":{"name":"f","arguments":""}})"}) {
    ASSERT_TRUE(
        ReadChoice("\"delta\":{\"tool_calls\":[" + std::string(call) + "]}")
            .ok());
  }
  EXPECT_EQ(Fold().choices(0).message().parts_size(), 1);
}

TEST_F(OpenAiChatEventReaderTest, CallsWithoutIdsGetOnesThatDoNotRepeat) {
  std::set<std::string> ids;
  const auto read = [&](std::string_view head) {
    const std::unique_ptr<EventReader> reader = NewEventReader();
    EventList events;
    ASSERT_TRUE(reader
                    ->Read("",
                           "{" + std::string(head) +
                               R"("choices":[{"index":0,"delta":)"
                               R"({"tool_calls":[{"index":0,"function":)"
                               R"({"name":"f","arguments":"{}"}},)"
                               R"({"index":1,"function":)"
                               R"({"name":"f","arguments":"{}"}}]}}]})",
                           &events)
                    .ok());
    for (const v1::GenerateEvent& event : events) {
      if (event.has_delta()) ids.insert(event.delta().tool_call().id());
    }
  };
  for (const std::string_view head :
       {R"("id":"a","created":1,)", R"("id":"a","created":2,)",
        R"("id":"b","created":1,)", ""}) {
    read(head);
    read(head);  // The same answer, as when it is replayed.
  }
  EXPECT_EQ(ids.size(), 8u);
  EXPECT_FALSE(ids.contains(""));
}

TEST_F(OpenAiChatEventReaderTest, ACallWaitsForItsName) {
  ASSERT_TRUE(ReadChoice(R"("delta":{"tool_calls":[{"index":0,"id":"c",)"
                         R"("function":{"arguments":"{"}}]})")
                  .ok());
  ASSERT_EQ(events_.size(), 1u);
  ASSERT_TRUE(ReadChoice(R"("delta":{"tool_calls":[{"index":0,)"
                         R"("function":{"name":"f","arguments":"}"}}]})")
                  .ok());
  ASSERT_EQ(events_.size(), 2u);
  const v1::ToolCallDelta& call = events_[1].delta().tool_call();
  EXPECT_EQ(call.id(), "c");
  EXPECT_EQ(call.name(), "f");
  EXPECT_EQ(call.arguments(), "{}");
}

TEST_F(OpenAiChatEventReaderTest, ACallThatGetsNoNameIsToldAtTheEnd) {
  ASSERT_TRUE(ReadChoice(R"("delta":{"tool_calls":[{"index":0,"id":"c",)"
                         R"("function":{"arguments":"{}"}}]})")
                  .ok());
  ASSERT_TRUE(ReadChoice(R"("delta":{},"finish_reason":"tool_calls")").ok());
  ASSERT_EQ(events_.size(), 3u);
  EXPECT_EQ(events_[1].delta().tool_call().id(), "c");
  EXPECT_EQ(events_[1].delta().tool_call().arguments(), "{}");
  EXPECT_TRUE(events_[2].has_choice_end());
}

TEST_F(OpenAiChatEventReaderTest, WhatWaitsForANameIsBounded) {
  const std::string piece(1000, ' ');
  for (int i = 0; i < 70; ++i) {
    ASSERT_TRUE(ReadChoice(R"("delta":{"tool_calls":[{"index":0,"id":"c",)"
                           R"("function":{"arguments":")" +
                           piece + "\"}}]}")
                    .ok());
  }
  EXPECT_EQ(Fold().choices(0).message().parts(0).tool_call().arguments().size(),
            70000u);
}

TEST_F(OpenAiChatEventReaderTest, ReadsTheOldFunctionCall) {
  ASSERT_TRUE(
      ReadChoice(R"("delta":{"function_call":{"name":"f","arguments":"{"}})")
          .ok());
  ASSERT_TRUE(
      ReadChoice(R"("delta":{"function_call":{"arguments":"}"}})").ok());
  ASSERT_TRUE(ReadChoice(R"("delta":{},"finish_reason":"function_call")").ok());
  const v1::Choice choice = Fold().choices(0);
  EXPECT_EQ(choice.message().parts(0).tool_call().arguments(), "{}");
  EXPECT_FALSE(choice.message().parts(0).tool_call().id().empty());
  EXPECT_EQ(choice.finish_reason(), v1::FINISH_REASON_TOOL_CALLS);
}

TEST_F(OpenAiChatEventReaderTest, TakesUsageFromAnyChunkAndTheLastCounts) {
  ASSERT_TRUE(Read(R"({"id":"i","choices":[{"index":0,"delta":)"
                   R"({"content":"a"}}],"usage":{"prompt_tokens":1}})")
                  .ok());
  EXPECT_EQ(reader_->usage().input_tokens(), 1);
  ASSERT_TRUE(Read(R"({"id":"i","choices":[{"index":0,"delta":{},)"
                   R"("finish_reason":"stop"}],"usage":{"prompt_tokens":2}})")
                  .ok());
  EXPECT_EQ(reader_->usage().input_tokens(), 2);
  EXPECT_TRUE(events_.back().has_usage());
}

TEST_F(OpenAiChatEventReaderTest, OnlyTheFirstFinishWordCounts) {
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"a"})").ok());
  for (const std::string_view word : {"length", "length", "stop"}) {
    ASSERT_TRUE(ReadChoice("\"delta\":{},\"finish_reason\":\"" +
                           std::string(word) + "\"")
                    .ok());
  }
  int ends = 0;
  for (const v1::GenerateEvent& event : events_) ends += event.has_choice_end();
  EXPECT_EQ(ends, 1);
  EXPECT_EQ(Fold().choices(0).finish_reason(), v1::FINISH_REASON_LENGTH);
}

TEST_F(OpenAiChatEventReaderTest, AStreamIsDoneOnlyAtItsMarker) {
  ASSERT_TRUE(ReadChoice(R"("delta":{},"finish_reason":"stop")").ok());
  EXPECT_FALSE(reader_->done());
  ASSERT_TRUE(Read("[DONE]").ok());
  EXPECT_TRUE(reader_->done());
  ASSERT_TRUE(Read("whatever follows").ok());
}

TEST_F(OpenAiChatEventReaderTest, AnErrorEventIsAnError) {
  const struct {
    std::string_view name;
    std::string_view data;
    v1::ErrorReason reason;
  } kCases[] = {
      {"", R"({"error":{"message":"m","type":"server_error","code":null}})",
       v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
      {"",
       R"({"id":"i","error":{"code":429,"message":"m"},"choices":)"
       R"([{"index":0,"delta":{"content":""},"finish_reason":"error"}]})",
       v1::ERROR_REASON_PROVIDER_RATE_LIMITED},
      {"error", R"({"error":{"message":"m","code":"insufficient_quota"}})",
       v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
      {"error", "overloaded", v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
      {"", R"({"error":"out of memory"})",
       v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(FaultReason(Read(each.data, each.name)), each.reason)
        << each.data;
  }
  EXPECT_TRUE(Read(R"({"error":null,"choices":[]})").ok());
}

TEST_F(OpenAiChatEventReaderTest, NonsenseIsABadResponse) {
  for (const std::string_view data :
       {"<html>", "[]", "7", "{", R"({"choices":7})",
        R"({"choices":[{"index":-1}]})", R"({"choices":[{"index":1000}]})",
        R"({"choices":[{"delta":[]}]})",
        R"({"choices":[{"delta":{"content":7}}]})",
        R"({"choices":[{"delta":{"tool_calls":[{"index":99999}]}}]})",
        R"({"choices":[],"usage":{"completion_tokens":-1}})",
        "{\"id\":\"\xff\"}"}) {
    EXPECT_EQ(FaultReason(Read(data)), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << data;
  }
}

TEST_F(OpenAiChatEventReaderTest, ChunksMayLackTheirDelta) {
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"a"})").ok());
  ASSERT_TRUE(
      ReadChoice(R"("content_filter_offsets":{"check_offset":1})").ok());
  EXPECT_EQ(events_.back().delta().piece_case(), v1::Delta::PIECE_NOT_SET);
  EXPECT_EQ(events_.back().delta().extensions(0).name(),
            "content_filter_offsets");
}

TEST_F(OpenAiChatEventReaderTest, ClosingEndsAStreamOnlyWhereThereIsNoMarker) {
  ASSERT_TRUE(ReadChoice(R"("delta":{},"finish_reason":"stop")").ok());
  EXPECT_FALSE(reader_->CompleteAtClose());

  reader_ = NewEventReader(/*done_marker=*/false);
  EXPECT_FALSE(reader_->CompleteAtClose());
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"a"})").ok());
  EXPECT_FALSE(reader_->CompleteAtClose());
  ASSERT_TRUE(ReadChoice(R"("delta":{},"finish_reason":"stop")").ok());
  EXPECT_TRUE(reader_->CompleteAtClose());
}

// As Mistral's reasoning models stream.
TEST_F(OpenAiChatEventReaderTest, ContentThatIsAListIsRead) {
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":[{"type":"thinking",)"
                         R"("thinking":[{"type":"text","text":"Let me "}]}]})")
                  .ok());
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":[{"type":"thinking",)"
                         R"("thinking":[{"type":"text","text":"see."}]},)"
                         R"({"type":"text","text":"Fo"}]})")
                  .ok());
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"ur"})").ok());
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":[{"type":"text","text":"."},)"
                         R"({"type":"reference","reference_ids":[0]}]})")
                  .ok());
  ASSERT_TRUE(
      ReadChoice(R"("delta":{"content":[]},"finish_reason":"stop")").ok());
  const v1::GenerateResponse answer = Fold();
  const v1::Message& message = answer.choices(0).message();
  ASSERT_EQ(message.parts_size(), 3);
  EXPECT_EQ(message.parts(0).reasoning().text(), "Let me see.");
  EXPECT_EQ(message.parts(1).text(), "Four.");
  EXPECT_EQ(message.parts(2).opaque().json(),
            R"({"type":"reference","reference_ids":[0]})");
  EXPECT_EQ(answer.choices(0).finish_reason(), v1::FINISH_REASON_STOP);
}

TEST_F(OpenAiChatEventReaderTest, AListAmongRepeatedTextsIsReadAsOne) {
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"a"})").ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(ReadChoice(R"("delta":{"content":"b"})").ok());
    ASSERT_TRUE(
        ReadChoice(R"("delta":{"content":[{"type":"text","text":"c"}]})").ok());
  }
  EXPECT_EQ(Fold().choices(0).message().parts(0).text(), "abcbcbc");
}

TEST_F(OpenAiChatEventReaderTest, PicturesArePiecesOfTheirOwn) {
  ASSERT_TRUE(ReadChoice(R"("delta":{"content":"Here.","images":[)"
                         R"({"type":"image_url","image_url":)"
                         R"({"url":"data:image/png;base64,aGk="}}]})")
                  .ok());
  const v1::GenerateResponse answer = Fold();
  ASSERT_EQ(answer.choices(0).message().parts_size(), 2);
  EXPECT_EQ(answer.choices(0).message().parts(1).image().data(), "hi");
}

}  // namespace
}  // namespace gateway::chat
