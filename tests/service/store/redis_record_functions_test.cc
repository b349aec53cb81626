#include "service/store/redis_record_functions.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/store/record_store.h"
#include "tests/service/store/redis_store_harness.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

RedisServer::Options WithDebug() {
  RedisServer::Options options;
  options.arguments = {"--enable-debug-command", "yes"};
  return options;
}

class RedisRecordFunctionsTest : public testing::Test {
 protected:
  absl::Status Put(const std::string& key, PutOptions options = {}) {
    return runner_
        .Run(harness_.store().Put("things", key, "value", options, never_))
        .status();
  }
  absl::StatusOr<RecordChanges> ChangesSince(int64_t sequence) {
    return runner_.Run(
        harness_.store().ChangesSince("things", sequence, 100, never_));
  }
  int64_t Sequence() {
    return runner_.Run(harness_.store().List("things", "", 1, never_))
        ->sequence;
  }
  std::string Count(const std::string& command, const std::string& ending,
                    const std::string& member = "") {
    std::vector<std::string> asked = {
        command, absl::StrCat("llmgw:{records:things}:", ending)};
    if (!member.empty()) asked.push_back(member);
    return harness_.server().Ask(asked);
  }

  LoopRunner runner_;
  CancelSignal never_;
  RedisStoreHarness harness_{runner_.loop(), WithDebug()};
};

TEST_F(RedisRecordFunctionsTest, AnotherHistoryMayLackChanges) {
  ASSERT_TRUE(Put("a").ok());
  const int64_t known = Sequence();
  EXPECT_TRUE(ChangesSince(known).ok());
  // As a failover or a restart does.
  EXPECT_EQ(harness_.server().Ask({"DEBUG", "CHANGE-REPL-ID"}), "OK");
  EXPECT_EQ(ChangesSince(known).status().code(), absl::StatusCode::kOutOfRange);
  const int64_t anew = Sequence();
  EXPECT_GT(anew, known);
  EXPECT_TRUE(ChangesSince(anew).ok());
  ASSERT_TRUE(Put("b").ok());
  EXPECT_EQ(ChangesSince(anew)->changes.size(), 1u);
  EXPECT_EQ(ChangesSince(known).status().code(), absl::StatusCode::kOutOfRange);
}

// Eight records at most, of which the last two are for who has fewer than two.
class RedisQuotaTest : public RedisRecordFunctionsTest {
 protected:
  // Puts one more of the owner's, which says what became of it.
  std::string Make(const std::string& key, std::string_view owner,
                   absl::Duration ttl = absl::Hours(1)) {
    return Outcome(Put(key, {.expected_version = 0,
                             .expire_time = harness_.Now() + ttl,
                             .owner = owner,
                             .quota = RecordQuota{.records = 8, .share = 2}}));
  }
  void Remove(const std::string& key, std::optional<std::string_view> owner) {
    const DeleteOptions options{.owner = owner};
    EXPECT_TRUE(
        *runner_.Run(harness_.store().Delete("things", key, options, never_)));
  }
  static std::string Outcome(const absl::Status& status) {
    const std::optional<QuotaRefusal> refusal = QuotaRefusalOf(status);
    if (!refusal.has_value()) return std::string(status.ToString());
    return refusal == QuotaRefusal::kOwner ? "no room for the owner"
                                           : "no room";
  }
  // So many of alice's.
  void Fill(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(Make(absl::StrCat("of-alice-", i), "alice"), "OK");
    }
  }
};

TEST_F(RedisQuotaTest, TheLastQuarterIsForThoseWhoHaveLess) {
  ASSERT_TRUE(harness_.store().counts_owners());
  Fill(6);
  EXPECT_EQ(Make("seventh", "alice"), "no room for the owner");
  EXPECT_EQ(Make("of-bob", "bob"), "OK");
  EXPECT_EQ(Make("of-nobody", ""), "OK");
  EXPECT_EQ(Make("of-carol", "carol"), "no room");
  // What is there may be put anew.
  EXPECT_TRUE(Put("of-alice-0", {.owner = "alice"}).ok());
  Remove("of-bob", "bob");
  EXPECT_EQ(Make("seventh", "alice"), "no room for the owner");
  EXPECT_EQ(Make("of-carol", "carol"), "OK");
  // What is put without a quota is no matter of it.
  EXPECT_TRUE(Put("more").ok());
}

TEST_F(RedisQuotaTest, WhatIsDeletedCountsNoMore) {
  Fill(2);
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(Make(absl::StrCat("of-bob-", i), "bob"), "OK");
  }
  EXPECT_EQ(Make("seventh", "alice"), "no room for the owner");
  Remove("of-alice-0", "alice");
  ASSERT_EQ(Make("of-bob-4", "bob"), "OK");
  EXPECT_EQ(Make("seventh", "alice"), "OK");
  EXPECT_EQ(Make("eighth", "alice"), "no room for the owner");
}

TEST_F(RedisQuotaTest, WhatHasExpiredCountsNoMore) {
  for (int i = 0; i < 40; ++i) {
    const std::string key = absl::StrCat(i);
    ASSERT_EQ(Make(key, "alice", -absl::Hours(1)), "OK");
  }
  Fill(6);
  EXPECT_EQ(Make("seventh", "alice"), "no room for the owner");
  EXPECT_EQ(Count("ZCARD", "owned:alice"), "6");
}

TEST_F(RedisQuotaTest, WhoDoesNotTellTheOwnerIsHealedByTime) {
  constexpr absl::Duration kTtl = absl::Seconds(2);
  Fill(4);
  ASSERT_EQ(Make("of-bob-0", "bob", kTtl), "OK");
  ASSERT_EQ(Make("of-bob-1", "bob", kTtl), "OK");
  Remove("of-bob-0", std::nullopt);
  Remove("of-bob-1", std::nullopt);
  ASSERT_EQ(Make("of-carol-0", "carol"), "OK");
  ASSERT_EQ(Make("of-carol-1", "carol"), "OK");
  EXPECT_EQ(Make("of-bob-2", "bob"), "no room for the owner");
  harness_.Pass(kTtl);
  EXPECT_EQ(Make("of-bob-2", "bob"), "OK");
}

TEST_F(RedisQuotaTest, WhatIsKeptOfAnOwnerEndsWithTheLastOfHis) {
  ASSERT_EQ(Make("short", "alice", absl::Minutes(1)), "OK");
  ASSERT_EQ(Make("long", "alice", absl::Hours(1)), "OK");
  const std::string ends = Count("PEXPIRETIME", "owned:alice");
  EXPECT_EQ(ends, Count("ZSCORE", "owned:alice", "long"));
  EXPECT_TRUE(Put("long", {.owner = "alice"}).ok());
  EXPECT_EQ(Count("PEXPIRETIME", "owned:alice"), "-1");
}

TEST_F(RedisRecordFunctionsTest, WhatHasExpiredIsRemovedBehind) {
  const PutOptions past{.expire_time = absl::UnixEpoch()};
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(Put(absl::StrCat(i), past).ok());
  EXPECT_EQ(Count("HLEN", "records"), "1");  // The last.
  ASSERT_TRUE(Put("stays").ok());
  EXPECT_EQ(Count("HLEN", "records"), "1");
  EXPECT_EQ(Count("ZCARD", "expiring"), "0");
  EXPECT_EQ(Count("ZCARD", "names"), "1");
  EXPECT_EQ(Count("ZCARD", "changed"), "1");
  EXPECT_EQ(Count("ZCARD", "gone"), "40");
}

TEST_F(RedisRecordFunctionsTest, WhatIsGoneIsForgottenBehind) {
  for (int i = 0; i < 20; ++i) {
    const std::string key = absl::StrCat(i);
    ASSERT_TRUE(Put(key).ok());
    ASSERT_TRUE(
        *runner_.Run(harness_.store().Delete("things", key, {}, never_)));
  }
  EXPECT_EQ(Count("ZCARD", "gone"), "20");
  const int64_t known = Sequence();
  EXPECT_EQ(ChangesSince(0)->changes.size(), 20u);
  // As if so many changes had been made.
  harness_.server().Ask({"HINCRBY", "llmgw:{records:things}:state", "latest",
                         absl::StrCat(kRecordChangesKept)});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Put("stays").ok());
  EXPECT_EQ(Count("ZCARD", "gone"), "0");
  EXPECT_EQ(ChangesSince(0).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ChangesSince(known - 1).status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ChangesSince(known)->changes.size(), 1u);
}

// All that the functions touch is what they are given.
TEST_F(RedisRecordFunctionsTest, ACollectionIsInOneSlot) {
  ASSERT_TRUE(Put("a").ok());
  ASSERT_TRUE(Put("b", {.expire_time = absl::FromUnixSeconds(1 << 30)}).ok());
  const std::string keys = harness_.server().Ask({"KEYS", "*"});
  size_t count = 0;
  for (const char* ending : kRedisRecordKeys) {
    const std::string key = absl::StrCat("llmgw:{records:things}:", ending);
    if (keys.find(key) == std::string::npos) continue;
    ++count;
  }
  EXPECT_GE(count, 4u);
  EXPECT_EQ(std::count(keys.begin(), keys.end(), '\n') + 1,
            static_cast<int64_t>(count));
}

}  // namespace
}  // namespace gateway
