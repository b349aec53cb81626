#include "service/store/redis_record_store.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/store/record_store_conformance.h"
#include "tests/service/store/redis_store_harness.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

INSTANTIATE_TEST_SUITE_P(Redis, RecordStoreConformance,
                         testing::Values([](EventLoop& loop) {
                           return std::make_unique<RedisStoreHarness>(loop);
                         }));

TEST(RedisRecordStoreTest, ADeadRedisIsToldAtOnceAndSoIsAFullOne) {
  LoopRunner runner;
  RedisStoreHarness harness(runner.loop());
  CancelSignal never;
  RecordStore& store = harness.store();
  const auto put = [&] {
    return runner.Run(store.Put("things", "secret", "value", {}, never));
  };
  ASSERT_TRUE(put().ok());
  harness.server().Ask({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_EQ(put().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ((*runner.Run(store.Get("things", "secret", never)))->value,
            "value");
  EXPECT_EQ(runner.Run(store.List("things", "", 1, never))->records.size(), 1u);
  EXPECT_TRUE(*runner.Run(store.Delete("things", "secret", {}, never)));
  harness.server().Kill();
  const absl::Status dead = put().status();
  EXPECT_EQ(dead.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(dead.message()), Not(HasSubstr("secret")));
}

TEST(RedisRecordStoreTest, WhatIsLargeGoesByAConnectionOfItsOwn) {
  LoopRunner runner;
  RedisStoreHarness harness(runner.loop());
  CancelSignal never;
  RecordStore& store = harness.store();
  const std::string value(2 * kRedisSmallBytesMax, 'x');
  const std::string small(100, 's');
  const auto connections = [&] {
    const std::string list = harness.server().Ask({"CLIENT", "LIST"});
    // Less that of the test.
    return std::count(list.begin(), list.end(), '\n');
  };
  ASSERT_TRUE(runner.Run(store.Put("things", "small", small, {}, never)).ok());
  EXPECT_EQ((*runner.Run(store.Get("things", "small", never)))->value, small);
  const auto before = connections();
  const PutOptions options = {.whose = "alice"};
  ASSERT_TRUE(
      runner.Run(store.Put("things", "large", value, options, never)).ok());
  EXPECT_EQ(connections(), before + 1);
  const auto read = runner.Run(store.GetFor("alice", "things", "large", never));
  ASSERT_TRUE(read.ok() && read->has_value()) << read.status();
  EXPECT_EQ((*read)->value, value);
  EXPECT_EQ((*read)->version, 1);
  const auto changes = runner.Run(store.ChangesSince("things", 0, 10, never));
  ASSERT_TRUE(changes.ok()) << changes.status();
  ASSERT_EQ(changes->changes.size(), 2u);
  EXPECT_EQ(changes->changes[1].record->value, value);
  EXPECT_EQ(connections(), before + 1);
}

TEST(RedisRecordStoreTest, AThreadWithoutAClientIsTold) {
  LoopRunner runner;
  RedisRecordStore store({}, [] { return nullptr; });
  CancelSignal never;
  const absl::Status status =
      runner.Run(store.Get("things", "key", never)).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST(RedisRecordStoreTest, AnEmptiedRedisIsNoticed) {
  LoopRunner runner;
  RedisStoreHarness harness(runner.loop());
  CancelSignal never;
  RecordStore& store = harness.store();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(
        runner.Run(store.Put("things", absl::StrCat(i), "v", {}, never)).ok());
  }
  const int64_t known =
      runner.Run(store.List("things", "", 9, never))->sequence;
  harness.server().Ask({"FLUSHALL"});
  const auto changes = [&] {
    return runner.Run(store.ChangesSince("things", known, 9, never)).status();
  };
  EXPECT_EQ(changes().code(), absl::StatusCode::kOutOfRange);
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(
        runner.Run(store.Put("things", absl::StrCat(i), "w", {}, never)).ok());
    EXPECT_EQ(changes().code(), absl::StatusCode::kOutOfRange);
  }
}

TEST(RedisRecordStoreTest, WhatIsNoRecordOfOursIsNotServed) {
  LoopRunner runner;
  RedisStoreHarness harness(runner.loop());
  CancelSignal never;
  const std::string records = "llmgw:{records:things}:records";
  harness.server().Ask({"HSET", records, "a", "1:2"});
  EXPECT_FALSE(runner.Run(harness.store().Get("things", "a", never)).ok());
  harness.server().Ask({"SET", records, "text"});
  const absl::Status status =
      runner.Run(harness.store().Get("things", "a", never)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

// --- From several loops.

thread_local RedisClient* client_of_loop = nullptr;

Task<void> CountUp(RecordStore& store, uint16_t port, int times) {
  ConnectedRedis redis(port);
  co_await redis.AwaitUp();
  client_of_loop = &redis.client();
  CancelSignal never;
  for (int left = times; left > 0;) {
    const absl::StatusOr<std::optional<Record>> found =
        co_await store.Get("numbers", "count", never);
    PutOptions options;
    options.expected_version = 0;
    int number = 0;
    if (found.ok() && found->has_value()) {
      options.expected_version = (*found)->version;
      EXPECT_TRUE(absl::SimpleAtoi((*found)->value, &number));
    }
    const absl::StatusOr<int64_t> put = co_await store.Put(
        "numbers", "count", absl::StrCat(number + 1), options, never);
    if (put.ok()) {
      --left;
    } else if (put.status().code() != absl::StatusCode::kAborted) {
      ADD_FAILURE() << put.status();
      break;
    }
  }
  co_await redis.client().Close();
}

TEST(RedisRecordStoreTest, ManyLoopsShareIt) {
  constexpr int kLoops = 3;
  constexpr int kTimes = 50;
  RedisServer server;
  RedisRecordStore store({}, [] { return client_of_loop; });
  std::vector<std::unique_ptr<LoopThread>> threads;
  std::vector<std::shared_ptr<Event>> ends;
  for (int i = 0; i < kLoops; ++i) {
    threads.push_back(std::make_unique<LoopThread>());
    ends.push_back(std::make_shared<Event>());
    struct Root {
      static Task<void> Run(RecordStore& store, uint16_t port,
                            std::shared_ptr<Event> end) {
        co_await CountUp(store, port, kTimes);
        end->Set();
      }
    };
    threads.back()->loop().Post(
        [&store, port = server.port(), end = ends.back()] {
          Spawn(Root::Run(store, port, end));
        });
  }
  for (const auto& end : ends) ASSERT_TRUE(end->Wait());
  EXPECT_THAT(server.Ask({"HGET", "llmgw:{records:numbers}:records", "count"}),
              HasSubstr(absl::StrCat(":", kLoops * kTimes)));
}

}  // namespace
}  // namespace gateway
