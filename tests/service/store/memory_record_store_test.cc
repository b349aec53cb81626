#include "service/store/memory_record_store.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/store/record_store_conformance.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class MemoryHarness : public RecordStoreHarness {
 public:
  RecordStore& store() override { return store_; }
  absl::Time Now() override { return clock_.WallTime(); }
  void Pass(absl::Duration duration) override { clock_.Advance(duration); }

 private:
  FakeClock clock_;
  MemoryRecordStore store_{{}, clock_};
};

INSTANTIATE_TEST_SUITE_P(Memory, RecordStoreConformance,
                         testing::Values([](EventLoop&) {
                           return std::make_unique<MemoryHarness>();
                         }));

class MemoryRecordStoreTest : public testing::Test {
 protected:
  absl::Status Put(RecordStore& store, const std::string& key,
                   const std::string& value, PutOptions options = {}) {
    return runner_.Run(store.Put("things", key, value, options, never_))
        .status();
  }

  FakeClock clock_;
  LoopRunner runner_;
  CancelSignal never_;
};

TEST_F(MemoryRecordStoreTest, RefusesRecordsBeyondTheirNumber) {
  MemoryRecordStore store({.records_limit = 2}, clock_);
  EXPECT_TRUE(Put(store, "a", "1").ok());
  EXPECT_TRUE(Put(store, "b", "1").ok());
  const absl::Status full = Put(store, "c", "1");
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()),
              AllOf(HasSubstr("things"), HasSubstr("2 of 2 records")));
  // What replaces another takes no place of its own.
  EXPECT_TRUE(Put(store, "b", "2").ok());
  ASSERT_TRUE(*runner_.Run(store.Delete("things", "a", {}, never_)));
  EXPECT_TRUE(Put(store, "c", "1").ok());
}

TEST_F(MemoryRecordStoreTest, RefusesBytesBeyondTheirLimit) {
  const size_t each = MemoryRecordStore::kRecordOverheadBytes + 1 + 100;
  MemoryRecordStore store({.bytes_limit = 2 * each}, clock_);
  const std::string value(100, 'v');
  EXPECT_TRUE(Put(store, "a", value).ok());
  EXPECT_EQ(Put(store, "b", value + "v").code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Put(store, "b", value).ok());
  EXPECT_TRUE(Put(store, "b", value).ok());
  EXPECT_EQ(Put(store, "b", value + "v").code(),
            absl::StatusCode::kResourceExhausted);
  // The record that could not be replaced is as it was.
  EXPECT_EQ((*runner_.Run(store.Get("things", "b", never_)))->value, value);
  EXPECT_TRUE(Put(store, "b", "").ok());
  EXPECT_TRUE(Put(store, "a", value + value).ok());
}

TEST_F(MemoryRecordStoreTest, WhatHasExpiredMakesRoom) {
  MemoryRecordStore store({.records_limit = 1}, clock_);
  const PutOptions options{.expire_time = clock_.WallTime() + absl::Minutes(1)};
  EXPECT_TRUE(Put(store, "a", "1", options).ok());
  EXPECT_FALSE(Put(store, "b", "1").ok());
  clock_.Advance(absl::Minutes(1));
  EXPECT_TRUE(Put(store, "b", "1").ok());
}

TEST_F(MemoryRecordStoreTest, ForgetsWhatWasDeletedLongAgo) {
  MemoryRecordStore store({}, clock_);
  for (int64_t i = 0; i <= kRecordChangesKept / 2; ++i) {
    const std::string key = absl::StrCat(i);
    ASSERT_TRUE(Put(store, key, "1").ok());
    ASSERT_TRUE(*runner_.Run(store.Delete("things", key, {}, never_)));
  }
  const auto changes_since = [&](int64_t sequence) {
    return runner_.Run(store.ChangesSince("things", sequence, 10, never_));
  };
  EXPECT_EQ(changes_since(1).status().code(), absl::StatusCode::kOutOfRange);
  // Of each two changes one is told: that the key is gone.
  const absl::StatusOr<RecordChanges> kept = changes_since(2);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->changes[0].key, "1");
  EXPECT_TRUE(kept->more);
}

TEST(MemoryRecordStoreThreadsTest, ManyLoopsShareIt) {
  FakeClock clock;
  MemoryRecordStore store({}, clock);
  CountFromManyLoops(store, 4, 100);
}

}  // namespace
}  // namespace gateway
