#include "service/ledger/entry_reader.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/ledger/entry.h"
#include "service/ledger/metadata_writer.h"
#include "tests/service/ledger/generated_ledger.h"

namespace gateway {
namespace {

std::string TextOf(const UnchainedEntry& entry) {
  std::string hash = "before";
  std::string text;
  entry.AppendChained(&hash, &text);
  return text;
}

TEST(EntryReaderTest, AnEntryOfTheGatewayIsRead) {
  EntryFacts facts;
  ASSERT_TRUE(ReadEntryFacts(TextOf(ExchangeOf(29)), &facts).ok());
  EXPECT_EQ(facts.id, ExchangeIdOf(29));
  EXPECT_EQ(facts.event_type, "EXCHANGE");
  EXPECT_EQ(facts.submission_id, "PRC-0");
  EXPECT_EQ(facts.decision, "ERROR");
  EXPECT_EQ(facts.reason, "TIMEOUT: the provider took too long");
  EXPECT_EQ(facts.previous_hash, "before");
  EXPECT_EQ(facts.entry_hash.size(), 64);
  EXPECT_EQ(facts.time, kFirstCallTime + absl::Milliseconds(295));
  EXPECT_EQ(facts.session_id, "SES-2");
  EXPECT_EQ(facts.agent_id, "agent-1");
  EXPECT_EQ(facts.dispatch_entry_id, DispatchIdOf(29));
  EXPECT_EQ(facts.caller, "caller-4");
  EXPECT_EQ(facts.provider, "gemini");
  EXPECT_EQ(facts.model, "gemini-2.5-pro");
  EXPECT_EQ(facts.request_id, "req-29");
  EXPECT_EQ(facts.cost_usd_nanos, 29000);
}

TEST(EntryReaderTest, NothingOfTheOneBeforeIsLeft) {
  EntryFacts facts;
  ASSERT_TRUE(ReadEntryFacts(TextOf(ExchangeOf(29)), &facts).ok());
  ASSERT_TRUE(ReadEntryFacts(R"({"id": "LED-1"})", &facts).ok());
  EXPECT_EQ(facts.id, "LED-1");
  for (const std::string* const text :
       {&facts.event_type, &facts.submission_id, &facts.decision, &facts.reason,
        &facts.previous_hash, &facts.entry_hash, &facts.session_id,
        &facts.agent_id, &facts.dispatch_entry_id, &facts.caller,
        &facts.provider, &facts.model, &facts.request_id}) {
    EXPECT_EQ(*text, "");
  }
  EXPECT_EQ(facts.time, absl::InfinitePast());
  EXPECT_FALSE(facts.cost_usd_nanos.has_value());
}

// The seed's vector: its writer knows no member `gateway`.
TEST(EntryReaderTest, AnEntryOfAnotherWriterSaysItsTargetInWords) {
  EntryFacts facts;
  ASSERT_TRUE(ReadEntryFacts(
                  R"({"event_type": "DISPATCH", "submission_id": "PRC-TEST-1",
        "decision": "DISPATCHED", "prompts_used": [],
        "reason": "Dispatching to mock/org/mock-model-1",
        "metadata": {"contract_id": "PRC-TEST-1", "agent_id": "agent-1",
                     "session_id": "SES-TEST0001"},
        "id": "LED-00000001", "timestamp": "2026-01-01T00:00:00+00:00",
        "previous_hash": "", "entry_hash": "86a8"})",
                  &facts)
                  .ok());
  EXPECT_EQ(facts.provider, "mock");
  EXPECT_EQ(facts.model, "org/mock-model-1");
  EXPECT_EQ(facts.session_id, "SES-TEST0001");
  EXPECT_EQ(facts.time, kFirstCallTime);
  ASSERT_TRUE(ReadEntryFacts(R"({"event_type": "EXCHANGE", "reason":
      "Dispatching to a/b", "metadata": {"model_id": "m"}})",
                             &facts)
                  .ok());
  EXPECT_EQ(facts.provider, "");
  EXPECT_EQ(facts.model, "m");
}

TEST(EntryReaderTest, WhatHasAnotherTypeIsNotThere) {
  EntryFacts facts;
  ASSERT_TRUE(ReadEntryFacts(R"({"id": 7, "metadata": {"session_id": null,
      "agent_id": ["a"], "gateway": {"cost_usd_nanos": "1", "caller": {}}},
      "decision": "OK"})",
                             &facts)
                  .ok());
  EXPECT_EQ(facts.id + facts.session_id + facts.agent_id + facts.caller, "");
  EXPECT_FALSE(facts.cost_usd_nanos.has_value());
  EXPECT_EQ(facts.decision, "OK");
  EXPECT_TRUE(absl::IsInvalidArgument(ReadEntryFacts("{\"id\": ", &facts)));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadEntryFacts("", &facts)));
}

TEST(EntryReaderTest, TimesAreReadInAllTheirForms) {
  const absl::Time whole = absl::FromUnixSeconds(1'767'323'045);
  const absl::Time long_one = whole + absl::Microseconds(678'901);
  EXPECT_EQ(ReadLedgerTime("2026-01-02T03:04:05+00:00"), whole);
  EXPECT_EQ(ReadLedgerTime("2026-01-02T03:04:05.678901+00:00"), long_one);
  EXPECT_EQ(ReadLedgerTime(LedgerTimeText(long_one)), long_one);
  EXPECT_EQ(ReadLedgerTime("2026-01-02T03:04:05Z"), whole);
  EXPECT_EQ(ReadLedgerTime("2026-01-02T03:04:05"), whole);
  EXPECT_EQ(ReadLedgerTime("2026-01-02T05:04:05.678901+02:00"), long_one);
  EXPECT_EQ(ReadLedgerTime("2026-01-02 03:04:05.678+00:00"),
            absl::InfinitePast());
  for (const char* const text :
       {"", "yesterday", "2026-13-02T03:04:05+00:00",
        "2026-01-02T03:0x:05+00:00", "infinite-future"}) {
    EXPECT_EQ(ReadLedgerTime(text), absl::InfinitePast()) << text;
  }
}

}  // namespace
}  // namespace gateway
