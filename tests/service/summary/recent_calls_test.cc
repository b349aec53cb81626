#include "service/summary/recent_calls.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/os/thread.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/summary/summary_printing.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RecentCall EndingAt(int64_t end_us) {
  RecentCall call;
  call.numbers.start_us = end_us - 1;
  call.numbers.duration_us = 1;
  return call;
}

std::vector<int64_t> EndsOf(const RecentCalls::Found& found) {
  std::vector<int64_t> ends;
  for (const RecentCall& call : found.calls) ends.push_back(call.end_us());
  return ends;
}

TEST(RecentCallTest, TextsAreFoundByTheirNames) {
  RecentCall call;
  call.SetText(RecentText::kRequestId, "id");
  call.SetText(RecentText::kCaller, "caller");
  call.SetText(RecentText::kUserId, "user");
  EXPECT_EQ(call.Text(RecentText::kRequestId), "id");
  EXPECT_EQ(call.Text(RecentText::kProvider), "");
  EXPECT_EQ(call.Text(RecentText::kCaller), "caller");
  EXPECT_EQ(call.Text(RecentText::kAgentType), "");
  EXPECT_EQ(call.Text(RecentText::kUserId), "user");
  EXPECT_EQ(call.Text(RecentText::kSessionId), "");
}

TEST(RecentCallTest, TextsAreCutEachAndTogether) {
  RecentCall call;
  const std::string at_limit(RecentCall::kTextBytesMax, 'a');
  for (size_t i = 0; i < kRecentTexts; ++i) {
    call.SetText(static_cast<RecentText>(i), at_limit + "b");
  }
  size_t bytes = 0;
  for (size_t i = 0; i < kRecentTexts; ++i) {
    bytes += call.Text(static_cast<RecentText>(i)).size();
  }
  EXPECT_EQ(call.Text(RecentText::kRequestId), at_limit);
  EXPECT_EQ(bytes, RecentCall::kTextsBytesMax);
  EXPECT_EQ(call.Text(RecentText::kSessionId), "");
}

TEST(RecentCallsTest, TheLatestComeFirst) {
  RecentCalls recent({.calls_limit = 3});
  RecentCalls::Shard& shard = recent.AddShard();
  EXPECT_THAT(recent.List(10, AnyCall).calls, IsEmpty());
  for (int64_t end = 1; end <= 5; ++end) shard.Remember(EndingAt(end));
  const RecentCalls::Found found = recent.List(10, AnyCall);
  EXPECT_THAT(EndsOf(found), ElementsAre(5, 4, 3));
  EXPECT_EQ(found.matched, 3u);
}

TEST(RecentCallsTest, ACallIsReadAsItWasRemembered) {
  RecentCalls recent({.calls_limit = 2});
  RecentCalls::Shard& shard = recent.AddShard();
  RecentCall long_one = EndingAt(5);
  long_one.SetText(RecentText::kRequestId, std::string(90, 'x'));
  shard.Remember(long_one);
  shard.Remember(long_one);
  RecentCall call = EndingAt(9);
  call.numbers.cost_usd_nanos = 123456789012;
  call.SetText(RecentText::kProvider, "p");
  call.SetText(RecentText::kSessionId, "s");
  shard.Remember(call);
  const RecentCalls::Found found = recent.List(1, AnyCall);
  ASSERT_EQ(found.calls.size(), 1u);
  EXPECT_EQ(found.calls[0].numbers.cost_usd_nanos, 123456789012);
  EXPECT_EQ(found.calls[0].Text(RecentText::kRequestId), "");
  EXPECT_EQ(found.calls[0].Text(RecentText::kProvider), "p");
  EXPECT_EQ(found.calls[0].Text(RecentText::kSessionId), "s");
}

TEST(RecentCallsTest, CallsOfAllLoopsAreOneList) {
  RecentCalls recent({.calls_limit = 4});
  RecentCalls::Shard& a = recent.AddShard();
  RecentCalls::Shard& b = recent.AddShard();
  for (const int64_t end : {1, 3, 5, 7}) a.Remember(EndingAt(end));
  for (const int64_t end : {2, 4, 6}) b.Remember(EndingAt(end));
  // Four are remembered, of all loops together.
  const RecentCalls::Found found = recent.List(10, AnyCall);
  EXPECT_THAT(EndsOf(found), ElementsAre(7, 6, 5, 4));
  EXPECT_EQ(found.matched, 4u);
  EXPECT_THAT(EndsOf(recent.List(1, AnyCall)), ElementsAre(7));
}

TEST(RecentCallsTest, ALimitLeavesTheLatestOfThoseThatMatch) {
  RecentCalls recent({.calls_limit = 100});
  RecentCalls::Shard& shard = recent.AddShard();
  for (int64_t end = 1; end <= 100; ++end) shard.Remember(EndingAt(end));
  const RecentCalls::Found found = recent.List(
      2, [](const RecentCall& call) { return call.end_us() % 10 == 0; });
  EXPECT_THAT(EndsOf(found), ElementsAre(100, 90));
  EXPECT_EQ(found.matched, 10u);
}

TEST(RecentCallsTest, WhatIsForgottenDoesNotComeBack) {
  RecentCalls recent({.calls_limit = 4});
  RecentCalls::Shard& shard = recent.AddShard();
  for (int64_t end = 1; end <= 6; ++end) shard.Remember(EndingAt(end));
  recent.Forget();
  EXPECT_THAT(recent.List(10, AnyCall).calls, IsEmpty());
  shard.Remember(EndingAt(7));
  EXPECT_THAT(EndsOf(recent.List(10, AnyCall)), ElementsAre(7));
}

TEST(RecentCallsTest, NothingIsRememberedWhereTheLimitIsZero) {
  RecentCalls recent({.calls_limit = 0});
  EXPECT_FALSE(recent.AddShard().enabled());
  EXPECT_THAT(recent.List(10, AnyCall).calls, IsEmpty());
}

TEST(RecentCallsTest, WhoReadsSeesWholeCallsWhileOthersAreWritten) {
  RecentCalls recent({.calls_limit = 3});
  RecentCalls::Shard& shard = recent.AddShard();
  std::atomic<bool> over = false;
  Thread writing("writing", [&shard, &over] {
    for (int64_t i = 1; i <= 100000; ++i) {
      RecentCall call = EndingAt(i);
      call.numbers.response_bytes = i;
      call.SetText(RecentText::kRequestId, std::to_string(i));
      call.SetText(RecentText::kSessionId, std::to_string(i));
      shard.Remember(call);
    }
    over = true;
  });
  while (!over) {
    for (const RecentCall& call : recent.List(3, AnyCall).calls) {
      const std::string end = std::to_string(call.end_us());
      ASSERT_EQ(call.Text(RecentText::kRequestId), end);
      ASSERT_EQ(call.Text(RecentText::kSessionId), end);
      ASSERT_EQ(call.numbers.response_bytes, call.end_us());
    }
  }
  writing.Join();
  EXPECT_EQ(EndsOf(recent.List(1, AnyCall)), std::vector<int64_t>{100000});
}

}  // namespace
}  // namespace gateway
