#include "service/ledger/ledger_filter.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

EntryFacts Facts() {
  EntryFacts facts;
  facts.id = "LED-1";
  facts.event_type = "EXCHANGE";
  facts.submission_id = "PRC-1";
  facts.decision = "SUCCESS";
  facts.time = absl::FromUnixSeconds(100);
  facts.session_id = "SES-1";
  facts.agent_id = "agent";
  facts.caller = "caller";
  facts.provider = "openai";
  facts.model = "gpt-5";
  facts.request_id = "req";
  return facts;
}

TEST(LedgerFilterTest, AnEmptyOneMatchesAll) {
  EXPECT_TRUE(MatchesAll({}));
  EXPECT_TRUE(Matches({}, Facts()));
  EXPECT_TRUE(Matches({}, EntryFacts()));
}

TEST(LedgerFilterTest, EachMemberMustBeWhatIsAskedFor) {
  const std::vector<std::pair<LedgerFilter, LedgerFilter>> both = {
      {{.id = "LED-1"}, {.id = "LED-2"}},
      {{.event_types = {"DISPATCH", "EXCHANGE"}},
       {.event_types = {"DISPATCH", "BUDGET_DEBIT"}}},
      {{.submission_id = "PRC-1"}, {.submission_id = "PRC-2"}},
      {{.session_id = "SES-1"}, {.session_id = "SES-10"}},
      {{.agent_id = "agent"}, {.agent_id = "agents"}},
      {{.decision = "SUCCESS"}, {.decision = "success"}},
      {{.request_id = "req"}, {.request_id = "re"}},
      {{.caller = "caller"}, {.caller = "other"}},
      {{.provider = "openai"}, {.provider = "gemini"}},
      {{.model = "gpt-5"}, {.model = "gpt-5-mini"}},
      {{.start_time = absl::FromUnixSeconds(100)},
       {.start_time = absl::FromUnixSeconds(101)}},
      {{.end_time = absl::FromUnixSeconds(101)},
       {.end_time = absl::FromUnixSeconds(100)}}};
  for (const auto& [matching, other] : both) {
    EXPECT_TRUE(Matches(matching, Facts()));
    EXPECT_FALSE(Matches(other, Facts()));
    EXPECT_FALSE(MatchesAll(matching));
  }
}

TEST(LedgerFilterTest, WhatHasNoTimeIsBeforeAll) {
  EntryFacts facts;
  EXPECT_TRUE(Matches({.end_time = absl::UnixEpoch()}, facts));
  EXPECT_FALSE(Matches({.start_time = absl::UnixEpoch()}, facts));
}

}  // namespace
}  // namespace gateway
