#include "providers/dialects/anthropic_messages/event_reader.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"

namespace gateway::anthropic {
namespace {

class MessagesEventReaderTest : public testing::Test {
 protected:
  absl::Status Read(std::string_view name, std::string_view data) {
    return reader_.Read(name, data, &events_);
  }

  // The one answer so far.
  v1::Message Message() {
    EventFolding folding;
    for (const v1::GenerateEvent& event : events_) folding.Add(event);
    return folding.Finish().choices(0).message();
  }

  void Start(std::string_view block) {
    EXPECT_TRUE(Read("content_block_start", R"({"index":0,"content_block":)" +
                                                std::string(block) + "}")
                    .ok());
  }

  void Delta(std::string_view delta) {
    EXPECT_TRUE(Read("content_block_delta",
                     R"({"index":0,"delta":)" + std::string(delta) + "}")
                    .ok());
  }

  void Stop() { EXPECT_TRUE(Read("content_block_stop", "{}").ok()); }

  MessagesEventReader reader_;
  EventList events_;
};

TEST_F(MessagesEventReaderTest, APieceOfTextIsReadHoweverItIsWritten) {
  Start(R"({"type":"text","text":""})");
  Delta(R"({"type":"text_delta","text":"one "})");
  Delta(R"({ "text" : "tw\u006f " , "type" : "text_delta" })");
  Delta(R"({"type":"text_delta","text":"three","new_field":{"a":[1]}})");
  EXPECT_EQ(Message().parts(0).text(), "one two three");
}

TEST_F(MessagesEventReaderTest, ABadPieceOfTextIsStillRefused) {
  Start(R"({"type":"text","text":""})");
  for (const char* delta :
       {R"({"type":"text_delta","text":"a","text":"b"})",
        R"({"type":"text_delta","text":7})", R"({"type":"text_delta"})",
        R"("text_delta")"}) {
    const absl::Status read =
        Read("content_block_delta",
             R"({"index":0,"delta":)" + std::string(delta) + "}");
    EXPECT_EQ(FaultReason(read), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << delta;
  }
}

TEST_F(MessagesEventReaderTest, TellsUsageFromTheStart) {
  ASSERT_TRUE(Read("message_start",
                   R"({"type":"message_start","message":{"id":"msg_1",
                       "model":"m","usage":{"input_tokens":7,
                       "cache_read_input_tokens":3,"output_tokens":1,
                       "service_tier":"batch"}}})")
                  .ok());
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_EQ(events_[0].started().id(), "msg_1");
  EXPECT_EQ(events_[0].started().service_tier(), "batch");
  EXPECT_EQ(events_[1].usage().input_tokens(), 10);
  EXPECT_EQ(reader_.usage().output_tokens(), 1);
}

TEST_F(MessagesEventReaderTest, FindsTheNameInsideIfThereIsNoneOutside) {
  ASSERT_TRUE(Read("", R"({"type":"message_stop"})").ok());
  EXPECT_TRUE(reader_.done());
}

TEST_F(MessagesEventReaderTest, IgnoresPingsAndWhatIsNew) {
  EXPECT_TRUE(Read("ping", R"({"type":"ping"})").ok());
  EXPECT_TRUE(Read("fireworks", "not even JSON").ok());
  EXPECT_TRUE(events_.empty());
}

TEST_F(MessagesEventReaderTest, AToolWithoutArgumentsHasAnEmptyObject) {
  Start(R"({"type":"tool_use","id":"i","name":"f","input":{}})");
  Delta(R"({"type":"input_json_delta","partial_json":""})");
  Stop();
  EXPECT_EQ(Message().parts(0).tool_call().arguments(), "{}");
}

TEST_F(MessagesEventReaderTest, InputThatCameWholeAtTheStartIsNotLost) {
  Start(R"({"type":"tool_use","id":"i","name":"f","input":{"a" : 1}})");
  Stop();
  EXPECT_EQ(Message().parts(0).tool_call().arguments(), R"({"a":1})");
}

TEST_F(MessagesEventReaderTest, ArgumentsThatAreCutOffAreDeliveredAsTheyAre) {
  const std::string stream =
      ReadGolden("anthropic_messages/streams/cut_tool_call.sse");
  for (size_t cut = 0; cut < stream.size(); ++cut) {
    MessagesEventReader reader;
    EventList events;
    ASSERT_TRUE(ReadStream(reader, stream, cut, &events).ok());
    EventFolding folding;
    for (const v1::GenerateEvent& event : events) folding.Add(event);
    const v1::GenerateResponse response = folding.Finish();
    const v1::Choice& choice = response.choices(0);
    EXPECT_EQ(choice.message().parts(0).tool_call().arguments(),
              "{\"a\": [1, ");
    EXPECT_EQ(choice.finish_reason(), v1::FINISH_REASON_LENGTH);
    EXPECT_TRUE(reader.done());
  }
}

TEST_F(MessagesEventReaderTest, AnErrorEventIsTheFaultItReports) {
  const std::string stream = ReadGolden("anthropic_messages/streams/error.sse");
  for (size_t cut = 0; cut < stream.size(); ++cut) {
    MessagesEventReader reader;
    EventList events;
    const absl::Status status = ReadStream(reader, stream, cut, &events);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    EXPECT_EQ(status.message(), "Overloaded");
    EXPECT_FALSE(reader.done());
  }
}

TEST_F(MessagesEventReaderTest, AStreamWithoutItsEndIsNotDone) {
  const std::string stream =
      ReadGolden("anthropic_messages/streams/interrupted.sse");
  EXPECT_TRUE(ReadStream(reader_, stream, 0, &events_).ok());
  EXPECT_FALSE(reader_.done());
  EXPECT_EQ(Message().parts(0).text(), "So far");
}

TEST_F(MessagesEventReaderTest, AnEmptyBlockIsAPartNevertheless) {
  Start(R"({"type":"text","text":""})");
  Stop();
  ASSERT_EQ(Message().parts_size(), 1);
  EXPECT_TRUE(Message().parts(0).has_text());
}

TEST_F(MessagesEventReaderTest, CollectsBlocksThatNobodyKnows) {
  Start(R"({"type":"compaction","content":null})");
  Delta(R"({"type":"compaction_delta","content":"short","extra":[1]})");
  EXPECT_TRUE(events_.empty());
  Stop();
  EXPECT_EQ(Message().parts(0).opaque().json(),
            R"({"type":"compaction","content":"short","extra":[1]})");
}

TEST_F(MessagesEventReaderTest, BoundsBlocksThatNobodyKnows) {
  Start(R"({"type":"server_tool_use","id":"i","name":"n","input":{}})");
  const std::string piece = R"({"index":0,"delta":{"type":"input_json_delta",)"
                            R"("partial_json":")" +
                            std::string(1 << 20, 'x') + "\"}}";
  absl::Status status;
  int pieces = 0;
  while (status.ok() && pieces < 32) {
    status = Read("content_block_delta", piece);
    ++pieces;
  }
  EXPECT_EQ(pieces, 16);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST_F(MessagesEventReaderTest, BoundsTheNamesOfTheirFieldsToo) {
  for (const size_t bytes : {size_t{1} << 20, size_t{1}}) {
    Start(R"({"type":"compaction"})");
    absl::Status status;
    int pieces = 0;
    while (status.ok() && pieces < 1000) {
      status = Read("content_block_delta",
                    absl::StrCat(R"({"index":0,"delta":{"type":"y",")",
                                 std::string(bytes, 'x'), pieces, "\":1}}"));
      ++pieces;
    }
    EXPECT_EQ(pieces, bytes > 1 ? 16 : 128);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
    Stop();
  }
}

TEST_F(MessagesEventReaderTest, TellsTheEndOnce) {
  const char delta[] =
      R"({"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}})";
  EXPECT_TRUE(Read("message_delta", delta).ok());
  EXPECT_TRUE(Read("message_delta", delta).ok());
  int ends = 0;
  for (const v1::GenerateEvent& event : events_) ends += event.has_choice_end();
  EXPECT_EQ(ends, 1);
}

TEST_F(MessagesEventReaderTest, WhatIsMalformedIsTheProvidersFault) {
  const std::pair<std::string_view, std::string_view> kMalformed[] = {
      {"message_start", "{"},
      {"message_start", "{}"},
      {"message_start", R"({"message":[]})"},
      {"message_start", R"({"message":{"id":7}})"},
      {"content_block_start", "{}"},
      {"content_block_start", R"({"index":0})"},
      {"content_block_start", R"({"index":-1,"content_block":{}})"},
      {"content_block_start",
       R"({"index":0,"content_block":{"type":"tool_use","id":"i"}})"},
      {"content_block_delta", R"({"index":0})"},
      {"content_block_delta",
       R"({"index":0,"delta":{"type":"text_delta","text":"x"}})"},
      {"message_delta", R"({"delta":{"stop_reason":7}})"},
      {"message_delta", "[]"},
      {"", ""},
  };
  for (const auto& [name, data] : kMalformed) {
    MessagesEventReader reader;
    EventList events;
    EXPECT_EQ(FaultReason(reader.Read(name, data, &events)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << name << data;
  }
}

// What a message begins with that goes on from a deferred call.
constexpr std::string_view kDeferred =
    R"({"message":{"id":"m","content":[)"
    R"({"type":"thinking","thinking":"Roll.","signature":"c2ln"},)"
    R"({"type":"text","text":"Rolling."},)"
    R"({"type":"tool_use","id":"t","name":"roll","input":{"by":1},)"
    R"("caller":{"type":"code_execution_20250825","tool_id":"s"}},)"
    R"({"type":"server_tool_use","id":"s","name":"x","input":{}}],)"
    R"("stop_reason":"tool_use","usage":{"input_tokens":1}}})";

TEST_F(MessagesEventReaderTest, AMessageMayBeginWithContentAndItsReason) {
  ASSERT_TRUE(Read("message_start", kDeferred).ok());
  EXPECT_FALSE(events_.back().has_choice_end());
  ASSERT_TRUE(Read("message_stop", "{}").ok());
  EXPECT_TRUE(reader_.done());
  const v1::Message message = Message();
  ASSERT_EQ(message.parts_size(), 4);
  EXPECT_EQ(message.parts(0).reasoning().text(), "Roll.");
  EXPECT_EQ(message.parts(0).reasoning().signature(), "c2ln");
  EXPECT_EQ(message.parts(1).text(), "Rolling.");
  EXPECT_EQ(message.parts(2).tool_call().arguments(), R"({"by":1})");
  EXPECT_EQ(message.parts(2).extensions(0).name(), "caller");
  EXPECT_EQ(message.parts(3).opaque().dialect(), "anthropic_messages");
  ASSERT_TRUE(events_.back().has_choice_end());
  EXPECT_EQ(events_.back().choice_end().finish_reason(),
            v1::FINISH_REASON_TOOL_CALLS);
}

TEST_F(MessagesEventReaderTest, ALaterReasonCountsAndIsToldOnce) {
  ASSERT_TRUE(Read("message_start", kDeferred).ok());
  ASSERT_TRUE(Read("message_delta", R"({"delta":{"stop_reason":"max_tokens"},)"
                                    R"("usage":{"output_tokens":3}})")
                  .ok());
  ASSERT_TRUE(Read("message_stop", "{}").ok());
  int ends = 0;
  for (const v1::GenerateEvent& event : events_) {
    if (!event.has_choice_end()) continue;
    ++ends;
    EXPECT_EQ(event.choice_end().finish_reason(), v1::FINISH_REASON_LENGTH);
  }
  EXPECT_EQ(ends, 1);
}

TEST_F(MessagesEventReaderTest, BlocksGoOnBehindWhatCameFirst) {
  for (const int first_index : {0, 1}) {
    reader_ = MessagesEventReader();
    events_.clear();
    ASSERT_TRUE(Read("message_start",
                     R"({"message":{"content":[{"type":"text","text":"a"}]}})")
                    .ok());
    for (int i = first_index; i < first_index + 2; ++i) {
      const std::string index = std::to_string(i);
      ASSERT_TRUE(Read("content_block_start",
                       R"({"index":)" + index +
                           R"(,"content_block":{"type":"text","text":"b"}})")
                      .ok());
      Stop();
    }
    const v1::Message message = Message();
    ASSERT_EQ(message.parts_size(), 3) << first_index;
    EXPECT_EQ(message.parts(0).text(), "a");
    EXPECT_EQ(message.parts(2).text(), "b");
  }
}

TEST_F(MessagesEventReaderTest, ABlockThatGoesOnAfterTheNextIsABadResponse) {
  const auto start = [&](int index, const std::string& block) {
    return Read("content_block_start",
                absl::StrCat(R"({"index":)", index, R"(,"content_block":)",
                             block, "}"));
  };
  const auto delta = [&](int index, const std::string& delta) {
    return Read(
        "content_block_delta",
        absl::StrCat(R"({"index":)", index, R"(,"delta":)", delta, "}"));
  };
  const std::string call =
      R"({"type":"tool_use","id":"i","name":"f","input":{}})";
  const std::string piece =
      R"({"type":"input_json_delta","partial_json":"{\"a\":1}"})";
  ASSERT_TRUE(start(0, R"({"type":"text","text":""})").ok());
  ASSERT_TRUE(delta(0, R"({"type":"text_delta","text":"a"})").ok());
  ASSERT_TRUE(start(1, call).ok());
  // Late, but harmless.
  ASSERT_TRUE(Read("content_block_stop", R"({"index":0})").ok());
  ASSERT_TRUE(delta(1, piece).ok());
  ASSERT_TRUE(start(2, call).ok());
  EXPECT_EQ(FaultReason(delta(1, piece)),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_TRUE(delta(2, piece).ok());
  ASSERT_TRUE(start(3, R"({"type":"text","text":""})").ok());
  EXPECT_EQ(FaultReason(delta(2, R"({"type":"text_delta","text":"b"})")),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_TRUE(delta(3, R"({"type":"text_delta","text":"c"})").ok());
  const v1::Message message = Message();
  ASSERT_EQ(message.parts_size(), 4);
  EXPECT_EQ(message.parts(1).tool_call().arguments(), R"({"a":1})");
  EXPECT_EQ(message.parts(2).tool_call().arguments(), R"({"a":1})");
  EXPECT_EQ(message.parts(3).text(), "c");
}

TEST_F(MessagesEventReaderTest, ASecondMessageIsABadResponse) {
  ASSERT_TRUE(Read("message_start", R"({"message":{}})").ok());
  EXPECT_EQ(FaultReason(Read("message_start", R"({"message":{}})")),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

}  // namespace
}  // namespace gateway::anthropic
