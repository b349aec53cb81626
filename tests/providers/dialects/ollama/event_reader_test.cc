#include "providers/dialects/ollama/event_reader.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::ollama {
namespace {

using Events = EventList;

// Reads the lines, all of which must be fine.
Events EventsOf(ChatEventReader& reader,
                const std::vector<std::string>& lines) {
  Events events;
  for (const std::string& line : lines) {
    const absl::Status status = reader.Read("", line, &events);
    EXPECT_TRUE(status.ok()) << status;
  }
  return events;
}

TEST(ChatEventReaderTest, TellsEachThingOnceAndInOrder) {
  ChatEventReader reader;
  const Events events =
      EventsOf(reader, {R"({"model":"m","created_at":"2026-01-01T00:00:00Z",
                        "message":{"content":"a"},"done":false})",
                        R"({"model":"m","message":{"content":"b"},"done":true,
                        "done_reason":"stop","prompt_eval_count":1,
                        "eval_count":2,"eval_duration":9})"});
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].started().model(), "m");
  EXPECT_EQ(events[0].started().create_time().seconds(), 1767225600);
  EXPECT_EQ(events[1].delta().text(), "a");
  EXPECT_EQ(events[2].delta().text(), "b");
  EXPECT_EQ(events[3].usage().output_tokens(), 2);
  EXPECT_EQ(events[4].choice_end().finish_reason(), v1::FINISH_REASON_STOP);
  EXPECT_EQ(events[4].choice_end().provider_finish_reason(), "stop");
  ASSERT_EQ(events[4].choice_end().extensions_size(), 1);
  EXPECT_EQ(events[4].choice_end().extensions(0).name(), "eval_duration");
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.usage().input_tokens(), 1);
}

TEST(ChatEventReaderTest, WhatIsOfOneKindInARowIsOnePart) {
  ChatEventReader reader;
  const Events events = EventsOf(
      reader,
      {R"({"message":{"thinking":"a"}})", R"({"message":{"thinking":"b"}})",
       R"({"message":{"content":"c","thinking":"d"}})",
       R"({"message":{"content":"e"}})", R"({"message":{"content":""}})",
       R"({"message":{"thinking":"f"}})",
       R"({"message":{"tool_calls":[{"id":"1","function":{"name":"x"}},
                                    {"id":"2","function":{"name":"y"}}]}})",
       R"({"message":{"content":"g"}})"});
  std::string seen;
  for (const v1::GenerateEvent& event : events) {
    if (!event.has_delta()) continue;
    const v1::Delta& delta = event.delta();
    seen += std::to_string(delta.part_index());
    seen += delta.has_text()        ? delta.text()
            : delta.has_reasoning() ? delta.reasoning()
                                    : delta.tool_call().name();
  }
  EXPECT_EQ(seen, "0a0b0d1c1e2f3x4y5g");
}

TEST(ChatEventReaderTest, ToolCallsComeWholeAndAreCounted) {
  ChatEventReader reader;
  const Events events = EventsOf(
      reader,
      {R"({"message":{"tool_calls":[{"id":"1","function":{"name":"x",
                      "arguments":{"a": 1}, "why":"z"}}]}})",
       R"({"message":{"tool_calls":[{"id":"2","function":{"name":"y"}}]},
           "done":true,"done_reason":"stop"})"});
  ASSERT_EQ(events.size(), 5u);
  const v1::ToolCallDelta& first = events[1].delta().tool_call();
  EXPECT_EQ(first.id(), "1");
  EXPECT_EQ(first.name(), "x");
  EXPECT_EQ(first.arguments(), R"({"a":1})");
  EXPECT_EQ(first.kind(), v1::TOOL_KIND_FUNCTION);
  EXPECT_EQ(first.index(), 0);
  ASSERT_EQ(events[1].delta().extensions_size(), 1);
  EXPECT_EQ(events[1].delta().extensions(0).name(), "function.why");
  EXPECT_EQ(events[2].delta().tool_call().index(), 1);
  EXPECT_EQ(events[4].choice_end().finish_reason(),
            v1::FINISH_REASON_TOOL_CALLS);
}

TEST(ChatEventReaderTest, CallsThatAreAlikeGetIdsOfTheirOwn) {
  ChatEventReader reader;
  const std::string line =
      R"({"created_at":"2024-01-01T00:00:00Z","message":{"tool_calls":)"
      R"([{"function":{"name":"f","arguments":{"a":1}}}]}})";
  const Events events = EventsOf(reader, {line, line});
  ASSERT_EQ(events.size(), 3u);
  EXPECT_NE(events[1].delta().tool_call().id(),
            events[2].delta().tool_call().id());
}

TEST(ChatEventReaderTest, UnknownFieldsAreToldOnceUnlessTheyChange) {
  ChatEventReader reader;
  const Events events = EventsOf(
      reader, {R"({"host":"h","n":1,"message":{"content":"a"}})",
               R"({"host":"h","n":2,"message":{"content":"b","i":[]}})",
               R"({"host":"h","n":1,"message":{"content":""}})",
               R"({"host":"h","n":3,"message":{},"done":true})"});
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].started().extensions_size(), 2);
  EXPECT_EQ(events[1].delta().extensions_size(), 0);
  ASSERT_EQ(events[2].delta().extensions_size(), 2);
  EXPECT_EQ(events[2].delta().extensions(0).name(), "i");
  EXPECT_EQ(events[2].delta().extensions(1).json(), "2");
  ASSERT_EQ(events[4].choice_end().extensions_size(), 1);
  EXPECT_EQ(events[4].choice_end().extensions(0).json(), "3");
}

TEST(ChatEventReaderTest, LikelihoodsWithoutTextStillArrive) {
  ChatEventReader reader;
  const Events events = EventsOf(reader, {R"({"message":{"content":"a"},
                        "logprobs":[{"token":"a","logprob":-1}]})",
                                          R"({"message":{"content":""},
                        "logprobs":[{"token":"b","logprob":-2}]})"});
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].delta().logprobs().content(0).token(), "a");
  EXPECT_EQ(events[2].delta().logprobs().content(0).logprob(), -2);
  EXPECT_EQ(events[2].delta().part_index(), 0);
  EXPECT_EQ(events[2].delta().piece_case(), v1::Delta::PIECE_NOT_SET);
}

TEST(ChatEventReaderTest, AnErrorLineIsTheFaultThatItReports) {
  ChatEventReader reader;
  Events events = EventsOf(reader, {R"({"message":{"content":"a"}})"});
  const absl::Status status =
      reader.Read("", R"({"error":"out of memory"})", &events);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(status.message(), "out of memory");
  EXPECT_FALSE(reader.done());
}

TEST(ChatEventReaderTest, NoLineOfJsonIsABadResponse) {
  for (const char* line : {"<html>", "{\"done\":", "{\"done\":1}", "[1]"}) {
    ChatEventReader reader;
    Events events;
    EXPECT_EQ(FaultReason(reader.Read("", line, &events)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << line;
    EXPECT_TRUE(events.empty());
  }
}

TEST(ChatEventReaderTest, NothingCountsAfterTheEnd) {
  ChatEventReader reader;
  EXPECT_EQ(EventsOf(reader, {R"({"done":true})"}).size(), 3u);
  EXPECT_TRUE(EventsOf(reader, {R"({"message":{"content":"late"}})"}).empty());
}

}  // namespace
}  // namespace gateway::ollama
