// What LedgerWriter tells those who ask to know what became of a commit.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_writer.h"
#include "service/ledger/sqlite_commit_store.h"
#include "tests/service/ledger/ledger_writer_case.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using IfNotCommitted = LedgerWriter::IfNotCommitted;

// A database whose answers are lost, whether it does what it is told or not.
class AwayStore : public CommitStore {
 public:
  explicit AwayStore(std::unique_ptr<CommitStore> store)
      : store_(std::move(store)) {}

  std::string name() const override { return store_->name(); }
  std::string_view remedy() const override { return store_->remedy(); }
  absl::Status Append(const NewCommit& commit) override {
    if (!is_away) return store_->Append(commit);
    if (commits_when_away) {
      EXPECT_TRUE(store_->Append(commit).ok());
    }
    return absl::UnavailableError("away");
  }
  absl::StatusOr<LastCommit> Last() override {
    if (is_away) return absl::UnavailableError("away");
    return store_->Last();
  }
  absl::StatusOr<LedgerCheckpoint> LoadCheckpoint() override {
    return store_->LoadCheckpoint();
  }
  absl::Status KeepCheckpoint(LedgerCheckpoint checkpoint) override {
    return store_->KeepCheckpoint(std::move(checkpoint));
  }
  absl::Status Read(int64_t first, VisitCommit visit) const override {
    return store_->Read(first, visit);
  }

  bool is_away = false;
  bool commits_when_away = false;

 private:
  const std::unique_ptr<CommitStore> store_;
};

// An operator has something committed, whose database goes meanwhile. The
// ledger's turns are the test's.
class DoubtfulLedgerTest : public LedgerWriterCase {
 protected:
  void SetUp() override {
    auto file = SqliteCommitStore::Open({.path = path_});
    ASSERT_TRUE(file.ok()) << file.status();
    auto store = std::make_unique<AwayStore>(*std::move(file));
    store_ = store.get();
    auto log = LedgerLog::Open(std::move(store), {});
    ASSERT_TRUE(log.ok()) << log.status();
    writer_ = std::make_unique<LedgerWriter>(
        *std::move(log),
        LedgerWriter::Options{.doubt_limit = absl::Seconds(10)}, clock_,
        [] {});
  }
  void TearDown() override { writer_.reset(); }  // It borrows the clock.
  void Say() {
    runner_.Run([](DoubtfulLedgerTest& test) -> Task<void> {
      Spawn(test.CommitAndKnow());
      test.store_->is_away = true;
      co_await test.DoTurn();
    }(*this));
  }
  void Turn() {
    runner_.Run(
        [](DoubtfulLedgerTest& test) { return test.DoTurn(); }(*this));
  }

  void Close() {
    runner_.Run([](DoubtfulLedgerTest& test) -> Task<void> {
      test.writer_->Close();
      co_await YieldToLoop();
    }(*this));
  }

  FakeClock clock_;
  AwayStore* store_ = nullptr;  // The writer's.
  bool is_told_ = false;
  absl::Status told_;
  int found_later_ = 0;

 private:
  Task<void> CommitAndKnow() {
    UnchainedEntry entry = EntryOf("an operator's");
    told_ = co_await writer_->Commit({}, absl::MakeSpan(&entry, 1),
                                     IfNotCommitted::kForgetOnceKnown,
                                     [this] { ++found_later_; });
    is_told_ = true;
  }
  Task<void> DoTurn() {
    writer_->BeginTurn();
    writer_->EndTurn();
    co_await YieldToLoop();
  }

  LoopRunner runner_;
};

TEST_F(DoubtfulLedgerTest, WhoAsksToKnowWaitsUntilItIsKnownThatItIsThere) {
  store_->commits_when_away = true;
  Say();
  Turn();
  EXPECT_FALSE(is_told_);
  store_->is_away = false;
  Turn();
  EXPECT_TRUE(is_told_);
  EXPECT_TRUE(told_.ok()) << told_;
  EXPECT_EQ(found_later_, 0);
  EXPECT_EQ(Committed(), std::vector<std::string>{"an operator's"});
}

TEST_F(DoubtfulLedgerTest, OrThatItIsNot) {
  Say();
  EXPECT_FALSE(is_told_);
  store_->is_away = false;
  Turn();
  EXPECT_TRUE(is_told_);
  EXPECT_EQ(told_, absl::UnavailableError("away"));
  EXPECT_EQ(found_later_, 0);
  EXPECT_TRUE(Committed().empty());
}

TEST_F(DoubtfulLedgerTest, NobodyWaitsForeverAndWhatIsThereIsTakenUp) {
  store_->commits_when_away = true;
  Say();
  clock_.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  Turn();
  EXPECT_FALSE(is_told_);
  clock_.Advance(absl::Nanoseconds(1));
  Turn();
  EXPECT_TRUE(is_told_);
  EXPECT_TRUE(absl::IsUnknown(told_)) << told_;
  EXPECT_EQ(found_later_, 0);
  store_->is_away = false;
  Turn();
  EXPECT_EQ(found_later_, 1);
  Turn();
  EXPECT_EQ(found_later_, 1);
}

TEST_F(DoubtfulLedgerTest, AtTheEndNobodyWaits) {
  Say();
  EXPECT_FALSE(is_told_);
  Close();
  EXPECT_TRUE(is_told_);
  EXPECT_TRUE(absl::IsUnknown(told_)) << told_;
}

TEST_F(DoubtfulLedgerTest, WhatIsNotThereIsNotTakenUp) {
  Say();
  clock_.Advance(absl::Seconds(10));
  Turn();
  EXPECT_TRUE(absl::IsUnknown(told_)) << told_;
  store_->is_away = false;
  Turn();
  EXPECT_EQ(found_later_, 0);
}

}  // namespace
}  // namespace gateway
