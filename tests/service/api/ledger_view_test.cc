#include "service/api/ledger_view.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/proto_time.h"
#include "tests/service/ledger/generated_ledger.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(LedgerViewTest, AFilterIsReadWhole) {
  v1::LedgerFilter asked;
  asked.add_event_types("EXCHANGE");
  asked.set_submission_id("PRC-1");
  asked.set_session_id("SES-1");
  asked.set_agent_id("agent");
  asked.set_decision("ERROR");
  asked.set_request_id("req");
  asked.set_caller("caller");
  asked.set_provider("openai");
  asked.set_model("gpt-5");
  asked.mutable_start_time()->set_seconds(5);
  asked.mutable_end_time()->set_seconds(6);
  const auto filter = LedgerFilterOf(asked);
  ASSERT_TRUE(filter.ok()) << filter.status();
  const LedgerFilter expected = {.event_types = {"EXCHANGE"},
                                 .submission_id = "PRC-1",
                                 .session_id = "SES-1",
                                 .agent_id = "agent",
                                 .decision = "ERROR",
                                 .request_id = "req",
                                 .caller = "caller",
                                 .provider = "openai",
                                 .model = "gpt-5",
                                 .start_time = absl::FromUnixSeconds(5),
                                 .end_time = absl::FromUnixSeconds(6)};
  EXPECT_EQ(*filter, expected);
  EXPECT_TRUE(MatchesAll(*LedgerFilterOf({})));
}

TEST(LedgerViewTest, AFilterThatCannotBeIsRefused) {
  const auto told = [](const v1::LedgerFilter& filter) {
    return LedgerFilterOf(filter).status().ToString();
  };
  v1::LedgerFilter filter;
  for (int i = 0; i < 17; ++i) filter.add_event_types("A");
  EXPECT_THAT(told(filter), HasSubstr("filter.event_types"));
  filter.clear_event_types();
  filter.mutable_start_time()->set_nanos(-1);
  EXPECT_THAT(told(filter), HasSubstr("filter.start_time"));
  filter.mutable_start_time()->set_nanos(0);
  filter.mutable_start_time()->set_seconds(5);
  filter.mutable_end_time()->set_seconds(4);
  EXPECT_THAT(told(filter), HasSubstr("filter.end_time: is before"));
}

TEST(LedgerViewTest, APageHasItsSizeAndItsPlace) {
  v1::QueryLedgerRequest request;
  EXPECT_EQ(LedgerQueryOf(request)->limit, 100);
  EXPECT_TRUE(LedgerQueryOf(request)->from.empty());
  request.set_page_size(1000);
  request.set_newest_first(true);
  request.mutable_filter()->set_caller("a");
  EXPECT_EQ(LedgerPageToken(request, {}), "");
  request.set_page_token(LedgerPageToken(request, {{"", 77}}));
  const auto query = LedgerQueryOf(request);
  ASSERT_TRUE(query.ok()) << query.status();
  EXPECT_EQ(query->limit, 1000);
  ASSERT_EQ(query->from.size(), 1U);
  EXPECT_EQ(query->from[0].chain, "");
  EXPECT_EQ(query->from[0].next, 77);
  EXPECT_TRUE(query->newest_first);
  EXPECT_EQ(query->filter.caller, "a");
  for (const int size : {-1, 1001}) {
    request.set_page_size(size);
    EXPECT_THAT(LedgerQueryOf(request).status().ToString(),
                HasSubstr("page_size"));
  }
}

TEST(LedgerViewTest, ATokenHasAPlaceInEachChain) {
  v1::QueryLedgerRequest request;
  request.set_page_token(LedgerPageToken(request, {{"1", 7}, {"12", 9}}));
  const auto query = LedgerQueryOf(request);
  ASSERT_TRUE(query.ok()) << query.status();
  ASSERT_EQ(query->from.size(), 2U);
  EXPECT_EQ(query->from[0].chain, "1");
  EXPECT_EQ(query->from[0].next, 7);
  EXPECT_EQ(query->from[1].chain, "12");
  EXPECT_EQ(query->from[1].next, 9);
}

TEST(LedgerViewTest, ATokenIsOfOneQuery) {
  v1::QueryLedgerRequest request;
  request.mutable_filter()->set_caller("a");
  const std::string token = LedgerPageToken(request, {{"", 77}});
  request.set_page_token(token);
  request.set_page_size(3);
  EXPECT_TRUE(LedgerQueryOf(request).ok()) << "pages may differ in size";
  request.set_newest_first(true);
  EXPECT_THAT(LedgerQueryOf(request).status().ToString(),
              HasSubstr("is of another query"));
  request.set_newest_first(false);
  request.mutable_filter()->set_caller("b");
  EXPECT_FALSE(LedgerQueryOf(request).ok());
  request.mutable_filter()->set_caller("a");
  for (const std::string& other :
       {std::string("77"), "0" + token.substr(2), "x" + token, token + "/"}) {
    request.set_page_token(other);
    EXPECT_THAT(LedgerQueryOf(request).status().ToString(),
                HasSubstr("is not one that QueryLedger returned"))
        << other;
  }
}

TEST(LedgerViewTest, AnEntryIsShownWhole) {
  std::string hash = "before";
  std::string text;
  ExchangeOf(9).AppendChained(&hash, &text);
  v1::LedgerEntry entry;
  FillLedgerEntry({.number = 20, .text = text}, &entry);
  EXPECT_EQ(entry.id(), ExchangeIdOf(9));
  EXPECT_EQ(entry.event_type(), "EXCHANGE");
  EXPECT_EQ(entry.submission_id(), "PRC-0");
  EXPECT_EQ(entry.decision(), "ERROR");
  EXPECT_EQ(entry.reason(), "TIMEOUT: the provider took too long");
  EXPECT_EQ(ToAbsl(entry.time()), kFirstCallTime + absl::Milliseconds(95));
  EXPECT_EQ(entry.number(), 20);
  EXPECT_EQ(entry.previous_hash(), "before");
  EXPECT_EQ(entry.entry_hash(), hash);
  EXPECT_EQ(entry.json(), text);
  v1::LedgerEntry other;
  FillLedgerEntry({.number = 1, .text = "no entry"}, &other);
  EXPECT_EQ(other.json(), "no entry");
  EXPECT_FALSE(other.has_time());
}

}  // namespace
}  // namespace gateway
