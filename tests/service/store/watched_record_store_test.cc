#include "service/store/watched_record_store.h"

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/store/memory_record_store.h"
#include "tests/service/store/record_store_conformance.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What is in memory, watched.
class WatchedHarness : public RecordStoreHarness {
 public:
  RecordStore& store() override { return store_; }
  absl::Time Now() override { return clock_.WallTime(); }
  void Pass(absl::Duration duration) override { clock_.Advance(duration); }

 private:
  FakeClock clock_;
  WatchedRecordStore store_{
      std::make_unique<MemoryRecordStore>(MemoryRecordStore::Options{}, clock_),
      clock_};
};

INSTANTIATE_TEST_SUITE_P(Watched, RecordStoreConformance,
                         testing::Values([](EventLoop&) {
                           return std::make_unique<WatchedHarness>();
                         }));

// A store that answers as the test says.
class ToldStore : public MemoryRecordStore {
 public:
  ToldStore(absl::Status& outcome, Clock& clock)
      : MemoryRecordStore({}, clock), outcome_(outcome) {}

  Task<absl::StatusOr<std::optional<Record>>> Get(
      std::string_view collection, std::string_view key,
      CancelSignal& cancel) override {
    if (!outcome_.ok()) co_return outcome_;
    co_return co_await MemoryRecordStore::Get(collection, key, cancel);
  }
  Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                    std::string_view key, std::string value,
                                    PutOptions options,
                                    CancelSignal& cancel) override {
    if (!outcome_.ok()) co_return outcome_;
    co_return co_await MemoryRecordStore::Put(collection, key, std::move(value),
                                              options, cancel);
  }

 private:
  absl::Status& outcome_;
};

class WatchedRecordStoreTest : public testing::Test {
 protected:
  WatchedRecordStoreTest()
      : path_(testing::TempDir() + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name() +
              ".log") {
    unlink(path_.c_str());
    EXPECT_TRUE(StartLogging({.file = path_}).ok());
  }
  ~WatchedRecordStoreTest() override { StopLogging(); }

  std::vector<std::string> Lines() {
    StopLogging();
    std::stringstream contents;
    contents << std::ifstream(path_).rdbuf();
    EXPECT_TRUE(StartLogging({.file = path_}).ok());
    return absl::StrSplit(contents.str(), '\n', absl::SkipEmpty());
  }
  // Reads while the store answers with that.
  absl::Status Get(absl::Status outcome) {
    outcome_ = std::move(outcome);
    return runner_.Run(store_.GetFor("alice", "things", "a", cancel_)).status();
  }
  absl::Status Put(absl::Status outcome) {
    outcome_ = std::move(outcome);
    return runner_.Run(store_.Put("things", "a", "value", {}, cancel_))
        .status();
  }

  const std::string path_;
  FakeClock clock_;
  LoopRunner runner_;
  CancelSignal cancel_;
  absl::Status outcome_;
  WatchedRecordStore store_{std::make_unique<ToldStore>(outcome_, clock_),
                            clock_};
};

TEST_F(WatchedRecordStoreTest, EachChangeIsOneLineOfTheLog) {
  const absl::Status broken =
      absl::InternalError("/data/gateway.db: disk I/O error");
  EXPECT_TRUE(Put(absl::OkStatus()).ok());
  EXPECT_THAT(Lines(), IsEmpty());
  // Who asks is told what the store says.
  EXPECT_EQ(Put(broken), broken);
  EXPECT_EQ(Put(broken), broken);
  EXPECT_THAT(Lines(), ElementsAre(AllOf(
                           HasSubstr("the record store cannot be written"),
                           HasSubstr("/data/gateway.db: disk I/O error"))));
  // Reads are told of apart.
  EXPECT_TRUE(Get(absl::OkStatus()).ok());
  EXPECT_EQ(Get(broken), broken);
  EXPECT_THAT(Lines().back(), HasSubstr("the record store cannot be read"));
  EXPECT_TRUE(Put(absl::OkStatus()).ok());
  EXPECT_THAT(Lines().back(),
              AllOf(HasSubstr("this is over"), HasSubstr("cannot be written")));
  EXPECT_EQ(Lines().size(), 3u);
}

TEST_F(WatchedRecordStoreTest, WhatComesAndGoesFillsNoDisk) {
  const absl::Status away = absl::UnavailableError("redis:6379: down");
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(Put(away).ok());
    EXPECT_TRUE(Put(absl::OkStatus()).ok());
  }
  EXPECT_EQ(Lines().size(), 2u);
  clock_.Advance(StoreWatch::kInterval);
  EXPECT_FALSE(Put(away).ok());
  EXPECT_THAT(Lines().back(), HasSubstr("\"unlogged\":9"));
}

TEST_F(WatchedRecordStoreTest, WhatAStoreMaySayIsNoFailure) {
  for (const absl::Status& said :
       {absl::AbortedError("another version"), absl::OutOfRangeError("anew"),
        absl::InvalidArgumentError("no key"),
        RefuseByQuota("things", QuotaRefusal::kOwner)}) {
    EXPECT_EQ(Get(said), said);
    EXPECT_EQ(Put(said), said);
  }
  cancel_.Cancel(absl::CancelledError("gone"));
  EXPECT_TRUE(absl::IsCancelled(Get(absl::CancelledError("gone"))));
  EXPECT_THAT(Lines(), IsEmpty());
}

}  // namespace
}  // namespace gateway
