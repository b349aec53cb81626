#include "clients/cli/audit_request.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
using ::testing::HasSubstr;

constexpr absl::Time kAuditNow = absl::FromUnixSeconds(1767268800);

OperatorWords AuditWords(
    std::vector<std::string> words,
    std::vector<std::pair<std::string, std::string>> flags) {
  OperatorWords result;
  result.words = std::move(words);
  result.flags = std::move(flags);
  return result;
}

TEST(AuditRequestTest, FlagsAreTheFilter) {
  const auto request = SearchAuditRequestOf(
      AuditWords({"search"}, {{"--caller", "team"},
                              {"--agent", "a"},
                              {"--agent_type", "t"},
                              {"--provider", "p"},
                              {"--project", "j"},
                              {"--model", "m"},
                              {"--request", "r"},
                              {"--outcome", "failed"},
                              {"--since", "2026-01-02T03:04:05.5Z"},
                              {"--until", "2026-01-03T00:00:00Z"},
                              {"--failure", "rate_limited"},
                              {"--bodies", "yes"}}),
      kAuditNow);
  ASSERT_TRUE(request.ok()) << request.status();
  const v1::AuditFilter& filter = request->filter();
  EXPECT_EQ(filter.caller(), "team");
  EXPECT_EQ(filter.agent_id(), "a");
  EXPECT_EQ(filter.agent_type(), "t");
  EXPECT_EQ(filter.provider(), "p");
  EXPECT_EQ(filter.project_id(), "j");
  EXPECT_EQ(filter.model(), "m");
  EXPECT_EQ(filter.request_id(), "r");
  EXPECT_EQ(filter.outcome(), v1::AUDIT_OUTCOME_FAILED);
  EXPECT_EQ(filter.start_time().seconds(), 1767323045);
  EXPECT_EQ(filter.start_time().nanos(), 500000000);
  EXPECT_TRUE(filter.has_end_time());
  EXPECT_EQ(filter.failure(), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_TRUE(request->include_bodies());
}

TEST(AuditRequestTest, WhatTheLogTellsOfItselfIsAskedForByItsKind) {
  for (const auto& [kind, value] :
       std::vector<std::pair<std::string, v1::AuditEntry::Kind>>{
           {"call", v1::AuditEntry::KIND_CALL},
           {"deletion", v1::AuditEntry::KIND_DELETION},
           {"loss", v1::AuditEntry::KIND_LOSS},
           {"disclosure", v1::AuditEntry::KIND_DISCLOSURE}}) {
    OperatorWords words = AuditWords({"export"}, {{"--kind", kind}});
    ASSERT_TRUE(CheckWords(kAuditCommand, words).ok());
    const auto request = SearchAuditRequestOf(words, kAuditNow);
    ASSERT_TRUE(request.ok()) << request.status();
    EXPECT_EQ(request->filter().kind(), value);
  }
}

TEST(AuditRequestTest, MistakesNameTheFlag) {
  for (const auto& [flag, value] :
       std::vector<std::pair<std::string, std::string>>{
           {"--since", "yesterday"},
           {"--outcome", "good"},
           {"--failure", "bad"},
           {"--kind", "all"},
           {"--limit", "0"},
           {"--bodies", "1"}}) {
    const auto request = SearchAuditRequestOf(
        AuditWords({"search"}, {{flag, value}}), kAuditNow);
    EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(request.status().message(), HasSubstr(flag));
  }
  EXPECT_THAT(SearchAuditRequestOf(AuditWords({"search", "x"}, {}), kAuditNow)
                  .status()
                  .message(),
              HasSubstr("'x'"));
}

TEST(AuditRequestTest, OneEntryIsNamedByItsNumber) {
  const auto request =
      GetAuditRequestOf(AuditWords({"get", "17"}, {{"--bodies", "yes"}}));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->id(), 17);
  EXPECT_TRUE(request->include_bodies());
  EXPECT_FALSE(GetAuditRequestOf(AuditWords({"get"}, {})).ok());
  EXPECT_FALSE(GetAuditRequestOf(AuditWords({"get", "x"}, {})).ok());
}

TEST(AuditRequestTest, EntriesAreATable) {
  v1::SearchAuditResponse response;
  v1::AuditEntry& entry = *response.add_entries();
  entry.set_id(7);
  entry.set_caller("team");
  entry.set_model("m");
  entry.set_outcome(v1::AUDIT_OUTCOME_SUCCEEDED);
  entry.mutable_usage()->set_input_tokens(3);
  entry.set_request_id("r-1");
  const std::string table = AuditTable(response);
  EXPECT_THAT(table, HasSubstr("REQUEST"));
  EXPECT_THAT(table, HasSubstr("team"));
  EXPECT_THAT(table, HasSubstr("succeeded"));
  EXPECT_THAT(table, HasSubstr("3+0"));
}

}  // namespace
}  // namespace gateway
