// What a store has acknowledged is there after kill -9, and nothing else is.

#include <signal.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/process/subprocess.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/store/sqlite_record_store.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

constexpr int kRounds = 25;
constexpr size_t kRecordWriters = 8;
constexpr char kRecordWriter[] = "tests/service/store/record_writer";

// Lets a writer go on until it has said so much, kills it, and returns all that
// it has said.
Task<std::string> SaidUntilKilled(EventLoop& loop, std::string path,
                                  size_t bytes) {
  CancelSignal never;
  Subprocess::Options options;
  options.command = {kRecordWriter, path};
  options.environment = {absl::StrCat("PATH=", getenv("PATH"))};
  absl::StatusOr<std::unique_ptr<Subprocess>> process =
      Subprocess::Start(loop, std::move(options));
  EXPECT_TRUE(process.ok()) << process.status();
  std::string said;
  if (!process.ok()) co_return said;
  bool killed = false;
  while (true) {
    const absl::StatusOr<bool> more = co_await (*process)->Read(&said, never);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) break;
    if (killed || said.size() < bytes) continue;
    EXPECT_EQ(kill((*process)->pid(), SIGKILL), 0);
    killed = true;
  }
  EXPECT_EQ((*process)->end().signal, SIGKILL) << said;
  co_return said;
}

class KilledWriterTest : public testing::Test {
 protected:
  // The last version of each record that was acknowledged.
  void TakeAcknowledged(const std::string& said) {
    for (const absl::string_view line :
         absl::StrSplit(said, '\n', absl::SkipEmpty())) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(line, ' ');
      size_t writer = 0;
      int64_t version = 0;
      ASSERT_TRUE(absl::SimpleAtoi(parts.first, &writer)) << line;
      ASSERT_TRUE(absl::SimpleAtoi(parts.second, &version)) << line;
      ASSERT_LT(writer, kRecordWriters);
      // One ahead of the last, or of one that was done and not told.
      EXPECT_GT(version, acknowledged_[writer]);
      acknowledged_[writer] = version;
    }
  }

  void ExpectAcknowledged() {
    absl::StatusOr<std::unique_ptr<SqliteRecordStore>> store =
        SqliteRecordStore::Open({.path = path_}, SystemClock());
    ASSERT_TRUE(store.ok()) << store.status();
    CancelSignal never;
    for (size_t i = 0; i < kRecordWriters; ++i) {
      const absl::StatusOr<std::optional<Record>> record =
          runner_.Run((*store)->Get("kept", names_[i], never));
      ASSERT_TRUE(record.ok()) << record.status();
      const int64_t version = record->has_value() ? (*record)->version : 0;
      EXPECT_GE(version, acknowledged_[i]) << i;
      // At most the one that was under way.
      EXPECT_LE(version, acknowledged_[i] + 1) << i;
      if (record->has_value()) {
        EXPECT_THAT((*record)->value,
                    testing::StartsWith(absl::StrCat(version, " ")));
      }
      acknowledged_[i] = version;
    }
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("records.db");
  LoopRunner runner_;
  const std::array<std::string, kRecordWriters> names_ = {"0", "1", "2", "3",
                                                          "4", "5", "6", "7"};
  std::array<int64_t, kRecordWriters> acknowledged_ = {};
};

TEST_F(KilledWriterTest, WhatWasAcknowledgedIsThereInEachRound) {
  FakeRandom random{9};
  for (int round = 0; round < kRounds; ++round) {
    const std::string said = runner_.Run(
        SaidUntilKilled(runner_.loop(), path_, 1 + random.Below(1500)));
    ASSERT_NO_FATAL_FAILURE(TakeAcknowledged(said)) << round;
    ASSERT_NO_FATAL_FAILURE(ExpectAcknowledged()) << round;
  }
  for (const int64_t version : acknowledged_) EXPECT_GT(version, kRounds);
}

}  // namespace
}  // namespace gateway
