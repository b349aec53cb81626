#include "service/ledger/entry.h"
#include "service/ledger/metadata_writer.h"

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/ledger/hash_text.h"

namespace gateway {
namespace {

LedgerEntry Dispatch() {
  LedgerEntry entry;
  entry.event_type = "DISPATCH";
  entry.submission_id = "PRC-TEST-1";
  entry.decision = "DISPATCHED";
  entry.reason = "Dispatching to mock/mock-model-1";
  MetadataWriter metadata(&entry.metadata);
  metadata.AddText("agent_id", "agent-1");
  metadata.AddText("contract_id", "PRC-TEST-1");
  metadata.AddText("session_id", "SES-TEST0001");
  return entry;
}

TEST(LedgerEntryTest, HasTheHashThatOtherWritersGiveIt) {
  LedgerEntry entry = Dispatch();
  entry.id = "LED-00000001";
  entry.time = absl::FromUnixSeconds(1767225600);
  std::string hash;
  std::string text;
  UnchainedEntry(entry).AppendChained(&hash, &text);
  EXPECT_EQ(hash,
            "86a84b4a1327f255c21ef24e4a29ef8ae86980b8bf686166fdf1ebf2f3a7d7cb");
  EXPECT_EQ(text,
            R"({"decision": "DISPATCHED", "entry_hash": ")" + hash +
                R"(", "event_type": "DISPATCH", "id": "LED-00000001", )"
                R"("metadata": {"agent_id": "agent-1", "contract_id": )"
                R"("PRC-TEST-1", "session_id": "SES-TEST0001"}, )"
                R"("previous_hash": "", "prompts_used": [], "reason": )"
                R"("Dispatching to mock/mock-model-1", "submission_id": )"
                R"("PRC-TEST-1", "timestamp": "2026-01-01T00:00:00+00:00"})");
}

TEST(LedgerEntryTest, FollowsAnother) {
  LedgerEntry entry = Dispatch();
  entry.prompts_used = {"PRC-1", "PRC-\"2\""};
  const UnchainedEntry unchained(entry);
  std::string hash;
  std::string text;
  unchained.AppendChained(&hash, &text);
  const std::string first = hash;
  text.clear();
  unchained.AppendChained(&hash, &text);
  EXPECT_NE(first, hash);
  EXPECT_LE(text.size(), unchained.chained_bytes());
  EXPECT_NE(text.find("\"previous_hash\": \"" + first + "\""),
            std::string::npos);
  EXPECT_NE(text.find(R"("prompts_used": ["PRC-1", "PRC-\"2\""])"),
            std::string::npos);
}

TEST(EntryTest, WhatIsNoUtf8IsWrittenAllTheSame) {
  LedgerEntry entry;
  entry.reason = "a\xff\"b";
  std::string hash;
  std::string text;
  UnchainedEntry(entry).AppendChained(&hash, &text);
  EXPECT_NE(text.find("\"reason\": \"a?\\\"b\""), std::string::npos) << text;
}

}  // namespace
}  // namespace gateway
