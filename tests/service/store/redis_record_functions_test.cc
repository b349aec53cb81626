#include "service/store/redis_record_functions.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
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
  std::string Count(const std::string& command, const std::string& ending) {
    return harness_.server().Ask(
        {command, absl::StrCat("llmgw:{records:things}:", ending)});
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
    ASSERT_TRUE(*runner_.Run(
        harness_.store().Delete("things", key, std::nullopt, never_)));
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
