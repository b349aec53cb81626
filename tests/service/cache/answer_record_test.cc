#include "service/cache/answer_record.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"
#include "service/cache/answer_record.pb.h"
#include "service/cache/kept_answer.h"

namespace gateway {
namespace {

constexpr std::string_view kName = "llmgw:answer:1:abc";
constexpr absl::Time kKept = absl::FromUnixMicros(1'700'000'000'123'456);

KeptAnswer Stream() {
  KeptAnswer answer;
  answer.body = std::string(
      "one\0\xff"
      "two",
      8);
  answer.event_ends = {5, 8};
  answer.is_message = true;
  answer.request_id = "call_1";
  answer.kept_id = "resp_\xff";
  answer.caller = "alice";
  answer.provider = "openai";
  answer.credential = "second";
  answer.model = "gpt";
  answer.created = kKept - absl::Seconds(2);
  answer.usage.set_input_tokens(7);
  answer.finish_reason = llmgateway::v1::FINISH_REASON_STOP;
  answer.warnings.emplace_back().set_message("left out");
  return answer;
}

// A record of what a message says, whatever that is.
std::string RecordOf(const llmgateway::kept::AnswerRecord& message) {
  const std::string rest = message.SerializeAsString();
  uint64_t sum = RecordChecksum(kName, rest);
  std::string bytes;
  for (size_t i = 0; i < sizeof(sum); ++i, sum >>= 8) {
    bytes += static_cast<char>(sum);
  }
  return bytes + rest;
}

TEST(AnswerRecordTest, AnAnswerComesBackAsItWas) {
  const KeptAnswer answer = Stream();
  const auto record =
      ReadAnswerRecord(kName, WriteAnswerRecord(kName, answer, kKept));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->kept, kKept);
  const KeptAnswer& read = *record->answer;
  EXPECT_EQ(read.body, answer.body);
  EXPECT_EQ(read.event_ends, answer.event_ends);
  EXPECT_TRUE(read.is_message);
  EXPECT_EQ(read.request_id, "call_1");
  EXPECT_EQ(read.kept_id, answer.kept_id);
  EXPECT_EQ(read.caller, "alice");
  EXPECT_EQ(read.provider, "openai");
  EXPECT_EQ(read.credential, "second");
  EXPECT_EQ(read.model, "gpt");
  EXPECT_EQ(read.created, answer.created);
  EXPECT_EQ(read.usage.input_tokens(), 7);
  EXPECT_EQ(read.finish_reason, llmgateway::v1::FINISH_REASON_STOP);
  ASSERT_EQ(read.warnings.size(), 1u);
  EXPECT_EQ(read.warnings[0].message(), "left out");
}

TEST(AnswerRecordTest, AWholeAnswerIsNoStreamAndMayBeEmpty) {
  const auto record =
      ReadAnswerRecord(kName, WriteAnswerRecord(kName, {}, kKept));
  ASSERT_TRUE(record);
  EXPECT_FALSE(record->answer->is_stream());
  EXPECT_EQ(record->answer->body, "");
}

TEST(AnswerRecordTest, AnAnonymousCallerIsToldFromNone) {
  KeptAnswer answer = Stream();
  for (const std::optional<std::string>& caller :
       {std::optional<std::string>(), std::optional<std::string>("")}) {
    answer.caller = caller;
    const auto record =
        ReadAnswerRecord(kName, WriteAnswerRecord(kName, answer, kKept));
    ASSERT_TRUE(record);
    EXPECT_EQ(record->answer->caller, caller);
  }
}

TEST(AnswerRecordTest, WhatWasCutOrChangedOrLiesElsewhereIsNone) {
  const std::string bytes = WriteAnswerRecord(kName, Stream(), kKept);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ReadAnswerRecord(kName, bytes.substr(0, size))) << size;
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] ^= 0x10;
    EXPECT_FALSE(ReadAnswerRecord(kName, changed)) << at;
  }
  EXPECT_FALSE(ReadAnswerRecord("llmgw:answer:1:abd", bytes));
  EXPECT_FALSE(ReadAnswerRecord(kName, bytes + "x"));
  EXPECT_FALSE(ReadAnswerRecord(kName, "a foreign text"));
}

TEST(AnswerRecordTest, EventsThatDoNotFitTheirBodyAreNone) {
  llmgateway::kept::AnswerRecord message;
  message.set_body("onetwo");
  message.add_event_ends(3);
  message.add_event_ends(6);
  EXPECT_TRUE(ReadAnswerRecord(kName, RecordOf(message)));
  message.set_event_ends(1, 7);
  EXPECT_FALSE(ReadAnswerRecord(kName, RecordOf(message)));
  message.set_event_ends(1, 5);
  EXPECT_FALSE(ReadAnswerRecord(kName, RecordOf(message)));
  message.set_event_ends(1, 6);
  message.set_event_ends(0, 6);
  EXPECT_FALSE(ReadAnswerRecord(kName, RecordOf(message)));
  message.set_event_ends(0, 0);
  EXPECT_FALSE(ReadAnswerRecord(kName, RecordOf(message)));
}

TEST(AnswerRecordTest, AnEndThatNobodyKnowsIsNone) {
  llmgateway::kept::AnswerRecord message;
  message.set_finish_reason(static_cast<llmgateway::v1::FinishReason>(999));
  EXPECT_FALSE(ReadAnswerRecord(kName, RecordOf(message)));
}

}  // namespace
}  // namespace gateway
