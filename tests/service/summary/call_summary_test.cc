#include "service/summary/call_summary.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/service/summary/summary_printing.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class CallSummaryTest : public testing::Test {
 protected:
  // Nothing is written but where a test asks for it.
  std::unique_ptr<CallSummary> Open(std::string file) {
    return CallSummary::Open({.history_hours = 2,
                              .recent = {.calls_limit = 10},
                              .file = std::move(file),
                              .interval = absl::InfiniteDuration()},
                             clock_);
  }
  void Count(const CallSummary::Shard& shard, int64_t cost) {
    shard.sums.Count({.provider = "p"}, Costs(cost), clock_.WallTime());
    RecentCall call;
    call.numbers.start_us = absl::ToUnixMicros(clock_.WallTime());
    shard.recent.Remember(call);
  }

  FakeClock clock_;
  TemporaryFolder folder_;
  const std::string file_ = folder_.Path("summary.db");
};

TEST_F(CallSummaryTest, SumsWhatAllLoopsHaveCounted) {
  const std::unique_ptr<CallSummary> summary = Open("");
  const CallSummary::Shard a = summary->AddShard();
  const CallSummary::Shard b = summary->AddShard();
  Count(a, 1);
  Count(b, 2);
  EXPECT_EQ(summary->Sum({}).totals, Costs(3, 2));
  a.sums.CountCapabilities(1, clock_.WallTime());
  b.sums.CountCapabilities(3, clock_.WallTime());
  const int64_t hour = HourOf(clock_.WallTime());
  EXPECT_EQ(summary->CapabilitiesUsed(hour, hour + 1)[0], 2);
  EXPECT_EQ(summary->CapabilitiesUsed(hour, hour + 1)[1], 1);
  EXPECT_EQ(summary->since(), clock_.WallTime());
}

TEST_F(CallSummaryTest, SumsOutlastTheProcess) {
  {
    const std::unique_ptr<CallSummary> summary = Open(file_);
    Count(summary->AddShard(), 5);
    clock_.Advance(absl::Minutes(90));
    Count(summary->AddShard(), 7);
  }
  const absl::Time since = clock_.WallTime() - absl::Minutes(90);
  const std::unique_ptr<CallSummary> summary = Open(file_);
  EXPECT_EQ(summary->Sum({}).totals, Costs(12, 2));
  EXPECT_EQ(summary->Sum({.begin = HourOf(clock_.WallTime())}).totals,
            Costs(7));
  EXPECT_EQ(summary->since(), since);
  // And go on from there.
  Count(summary->AddShard(), 1);
  EXPECT_EQ(summary->Sum({}).totals, Costs(13, 3));
  EXPECT_EQ(summary->failed_writes(), 0);
}

TEST_F(CallSummaryTest, TheHistoryMovesWithTheClock) {
  const std::unique_ptr<CallSummary> summary = Open(file_);
  const CallSummary::Shard shard = summary->AddShard();
  Count(shard, 1);
  const int64_t first = HourOf(clock_.WallTime());
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(summary->Sum({.begin = first}).totals, Costs(1));
  clock_.Advance(absl::Hours(1));
  EXPECT_TRUE(summary->Sum({.begin = first}).totals.IsZero());
  EXPECT_EQ(summary->Sum({}).totals, Costs(1));
}

TEST_F(CallSummaryTest, AResetForgetsHereAndInTheFile) {
  {
    const std::unique_ptr<CallSummary> summary = Open(file_);
    const CallSummary::Shard shard = summary->AddShard();
    Count(shard, 5);
    ASSERT_TRUE(summary->Keep().ok());
    Count(shard, 6);
    clock_.Advance(absl::Seconds(1));
    const absl::StatusOr<CallSummary::Forgotten> forgotten = summary->Reset();
    ASSERT_TRUE(forgotten.ok()) << forgotten.status();
    EXPECT_EQ(forgotten->totals, Costs(11, 2));
    EXPECT_EQ(forgotten->time, clock_.WallTime());
    EXPECT_TRUE(summary->Sum({}).totals.IsZero());
    EXPECT_THAT(summary->recent().List(10, AnyCall).calls, IsEmpty());
    Count(shard, 1);
    EXPECT_EQ(summary->Sum({}).totals, Costs(1));
    EXPECT_THAT(summary->recent().List(10, AnyCall).calls, SizeIs(1));
  }
  const std::unique_ptr<CallSummary> summary = Open(file_);
  EXPECT_EQ(summary->Sum({}).totals, Costs(1));
  EXPECT_EQ(summary->since(), clock_.WallTime());
}

TEST_F(CallSummaryTest, AResetThatCannotBeWrittenForgetsNothing) {
  const std::unique_ptr<CallSummary> summary = Open(file_);
  const CallSummary::Shard shard = summary->AddShard();
  const absl::Time since = summary->since();
  Count(shard, 5);
  ASSERT_TRUE(summary->Keep().ok());
  std::filesystem::rename(file_, file_ + ".away");
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(summary->Reset().ok());
  EXPECT_EQ(summary->Sum({}).totals, Costs(5));
  EXPECT_EQ(summary->since(), since);
  EXPECT_THAT(summary->recent().List(10, AnyCall).calls, SizeIs(1));
  EXPECT_EQ(summary->failed_writes(), 1);
}

TEST_F(CallSummaryTest, WhatCouldNotBeWrittenIsWrittenLater) {
  {
    const std::unique_ptr<CallSummary> summary = Open(file_);
    const CallSummary::Shard shard = summary->AddShard();
    Count(shard, 5);
    std::filesystem::rename(file_, file_ + ".away");
    EXPECT_FALSE(summary->Keep().ok());
    EXPECT_EQ(summary->failed_writes(), 1);
    EXPECT_TRUE(summary->write_fails());
    EXPECT_EQ(summary->Sum({}).totals, Costs(5));
    std::filesystem::rename(file_ + ".away", file_);
    EXPECT_TRUE(summary->Keep().ok());
    EXPECT_FALSE(summary->write_fails());
  }
  EXPECT_EQ(Open(file_)->Sum({}).totals, Costs(5));
}

TEST_F(CallSummaryTest, WhatCannotBeOpenedIsToldAndAddedOnceItCan) {
  {
    const auto summary = Open(file_);
    Count(summary->AddShard(), 5);
  }
  const std::string away = folder_.Path("away");
  std::filesystem::rename(file_, away);
  std::filesystem::create_directory(file_);
  {
    const auto summary = Open(file_);
    EXPECT_TRUE(summary->write_fails());
    EXPECT_EQ(summary->failed_writes(), 1);
    Count(summary->AddShard(), 2);
    EXPECT_FALSE(summary->Keep().ok());
    EXPECT_FALSE(summary->Reset().ok());
    EXPECT_EQ(summary->Sum({}).totals, Costs(2));
    std::filesystem::remove(file_);
    std::filesystem::rename(away, file_);
    EXPECT_TRUE(summary->Keep().ok());
    EXPECT_FALSE(summary->write_fails());
    EXPECT_EQ(summary->Sum({}).totals, Costs(7, 2));
  }
  EXPECT_EQ(Open(file_)->Sum({}).totals, Costs(7, 2));
}

}  // namespace
}  // namespace gateway
