#include "service/ledger/ledger_writer.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_log.h"
#include "service/store/sqlite_connection.h"
#include "tests/service/ledger/ledger_writer_case.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using IfNotCommitted = LedgerWriter::IfNotCommitted;

class LedgerWriterTest : public LedgerWriterCase {};

Task<void> CommitMany(LedgerWriter& writer, int count, int* committed) {
  for (int i = 0; i < count; ++i) {
    absl::Status outcome;
    co_await CommitOne(writer, absl::StrCat("LED-", i), IfNotCommitted::kForget,
                       &outcome);
    if (outcome.ok()) ++*committed;
  }
}

TEST_F(LedgerWriterTest, EntriesOfAllLoopsAreOneChainAndAreCommittedTogether) {
  constexpr int kCalls = 20;
  constexpr int kEach = 10;
  Open();
  LoopThread other;
  std::vector<int> committed(2 * kCalls);
  std::vector<Event> done(2 * kCalls);
  for (int i = 0; i < 2 * kCalls; ++i) {
    LoopThread& loop = i % 2 == 0 ? loop_ : other;
    loop.loop().Post([&, i] {
      Spawn([](LedgerWriter& writer, int* count, Event& over) -> Task<void> {
        co_await CommitMany(writer, kEach, count);
        over.Set();
      }(*writer_, &committed[i], done[i]));
    });
  }
  for (Event& each : done) ASSERT_TRUE(each.Wait());
  for (const int count : committed) EXPECT_EQ(count, kEach);
  const LedgerWriter::Counts counts = writer_->counts();
  EXPECT_EQ(counts.entries, 2 * kCalls * kEach);
  EXPECT_LT(counts.commits, counts.entries / 2);
  EXPECT_EQ(Committed().size(), counts.entries);
}

TEST_F(LedgerWriterTest, WhatMustNotBeLostIsCommittedOnceThatIsPossibleAgain) {
  Open();
  EXPECT_TRUE(Commit("before", IfNotCommitted::kForget).ok());
  const std::string away = folder_.Path("away.db");
  Move(path_, away);
  // SQLite does not see that, and writes: it is there all the same later.
  EXPECT_EQ(Commit("told as failed", IfNotCommitted::kForget).code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(Commit("kept", IfNotCommitted::kKeep).code(),
            absl::StatusCode::kDataLoss);
  EXPECT_TRUE(Commit("kept too", IfNotCommitted::kKeepAndGoOn).ok());
  const LedgerWriter::Counts counts = writer_->counts();
  EXPECT_TRUE(counts.failing);
  EXPECT_EQ(counts.kept, 2);
  EXPECT_GE(counts.failures, 1);
  Move(away, path_);
  // Without another entry.
  ASSERT_TRUE(loop_.RunTask([&] { return AwaitNothingKept(*writer_); }));
  EXPECT_FALSE(writer_->counts().failing);
  EXPECT_TRUE(Commit("after", IfNotCommitted::kForget).ok());
  EXPECT_EQ(Committed(),
            (std::vector<std::string>{"before", "told as failed", "kept",
                                      "kept too", "after"}));
}

TEST_F(LedgerWriterTest, WhatIsKeptIsBounded) {
  Open({.entries_limit = 1});
  Move(path_, folder_.Path("away.db"));
  EXPECT_FALSE(Commit("refusal", IfNotCommitted::kKeepIfRoom).ok());
  EXPECT_FALSE(Commit("one more", IfNotCommitted::kKeepIfRoom).ok());
  EXPECT_EQ(writer_->counts().lost, 1);
  for (const char* const id : {"2", "3"}) {
    EXPECT_TRUE(Commit(id, IfNotCommitted::kKeepAndGoOn).ok());
  }
  EXPECT_EQ(writer_->counts().kept, 2);
  EXPECT_EQ(writer_->counts().lost, 2);
  Move(folder_.Path("away.db"), path_);
  EXPECT_EQ(Committed(),
            (std::vector<std::string>{"refusal", "2", "2 ENTRIES_LOST"}))
      << "committed at the end at the latest";
}

TEST_F(LedgerWriterTest, WhereTooMuchWaitsWhatMayBeForgottenIsToldAtOnce) {
  Open({.bytes_limit = 10});
  for (const IfNotCommitted otherwise :
       {IfNotCommitted::kForget, IfNotCommitted::kForgetOnceKnown}) {
    const absl::Status outcome = Commit("large", otherwise);
    EXPECT_EQ(outcome.code(), absl::StatusCode::kResourceExhausted) << outcome;
  }
  EXPECT_TRUE(Commit("kept", IfNotCommitted::kKeep).ok());
  // Nobody waits for what cost nobody anything, and it is counted.
  EXPECT_EQ(Commit("refusal", IfNotCommitted::kKeepIfRoom).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Commit("goes on", IfNotCommitted::kKeepAndGoOn).ok());
  EXPECT_EQ(writer_->counts().lost, 1);
  EXPECT_EQ(Committed(),
            (std::vector<std::string>{"kept", "1 ENTRIES_LOST", "goes on"}));
}

TEST_F(LedgerWriterTest, LossesAreToldOnceAsSoonAsThatIsPossible) {
  Open({.entries_limit = 1});
  Move(path_, folder_.Path("away.db"));
  testing::internal::CaptureStderr();
  for (const char* const id : {"1", "2", "3", "4", "5"}) {
    EXPECT_TRUE(Commit(id, IfNotCommitted::kKeepAndGoOn).ok());
  }
  EXPECT_EQ(writer_->counts().lost, 3);
  Move(folder_.Path("away.db"), path_);
  ASSERT_TRUE(loop_.RunTask([&] { return AwaitNothingKept(*writer_); }));
  EXPECT_TRUE(Commit("before", IfNotCommitted::kForget).ok());
  // Of the first one at once, and of the others when no more follow.
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(LostIn(log), testing::ElementsAre("1", "2")) << log;
  EXPECT_THAT(log, testing::HasSubstr("\"why\":\"DATA_LOSS: "));
  EXPECT_TRUE(Commit("6", IfNotCommitted::kForget).ok());
  EXPECT_EQ(Committed(), (std::vector<std::string>{"1", "2", "3 ENTRIES_LOST",
                                                   "before", "6"}));
}

TEST_F(LedgerWriterTest, WhatCannotBeWrittenAtTheEndIsCounted) {
  Open();
  EXPECT_TRUE(Commit("before", IfNotCommitted::kForget).ok());
  Move(path_, folder_.Path("away.db"));
  EXPECT_FALSE(Commit("kept", IfNotCommitted::kKeep).ok());
  // Where its file is nobody can see whether it is in it.
  EXPECT_EQ(writer_->Close(), (LedgerWriter::Unwritten{.under_way = 1}));
  Move(folder_.Path("away.db"), path_);
}

TEST_F(LedgerWriterTest, WhatAFullFileDoesNotHaveAtTheEndIsKnownToBeLost) {
  auto log = LedgerLog::Open({.path = path_, .file_bytes_limit = 128 * 1024});
  ASSERT_TRUE(log.ok()) << log.status();
  writer_ = std::make_unique<LedgerWriter>(
      *std::move(log), LedgerWriter::Options{.entries_limit = 2},
      SystemClock());
  const std::string large(8 * 1024, 'x');
  while (!writer_->counts().failing) {
    EXPECT_TRUE(Commit(large, IfNotCommitted::kKeepAndGoOn).ok());
  }
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(Commit(large, IfNotCommitted::kKeepAndGoOn).ok());
  }
  EXPECT_EQ(writer_->counts().kept, 4);
  EXPECT_EQ(writer_->counts().lost, 5);
  EXPECT_EQ(writer_->Close(), LedgerWriter::Unwritten{.lost = 9});
}

TEST_F(LedgerWriterTest, NobodyWaitsForWhatIsKeptWhileAnotherHasTheLock) {
  Open();
  EXPECT_TRUE(Commit("before", IfNotCommitted::kForget).ok());
  const auto other = SqliteConnection::Open(
      path_, SqliteConnection::Access::kReadWrite, absl::ZeroDuration());
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE((*other)->Execute("BEGIN EXCLUSIVE").ok());
  EXPECT_TRUE(Commit("waits", IfNotCommitted::kKeepAndGoOn).ok());
  EXPECT_TRUE(writer_->counts().failing);
  const uint64_t failures = writer_->counts().failures;
  // Many more than could be tried meanwhile.
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(
        Commit(absl::StrCat("LED-", i), IfNotCommitted::kKeepAndGoOn).ok());
  }
  EXPECT_LT(writer_->counts().failures, failures + 500);
  EXPECT_EQ(writer_->counts().kept, 1001);
  ASSERT_TRUE((*other)->Execute("ROLLBACK").ok());
  ASSERT_TRUE(loop_.RunTask([&] { return AwaitNothingKept(*writer_); }));
  EXPECT_EQ(Committed().size(), 1002);
}

// Says on which thread it was written.
class NamedSource : public EntrySource {
 public:
  explicit NamedSource(std::string id) : id_(std::move(id)) {}
  size_t bytes() const override { return 1000; }
  UnchainedEntry Write() const override {
    writer = gettid();
    return EntryOf(id_);
  }
  mutable pid_t writer = 0;  // A thread.

 private:
  const std::string id_;
};

Task<void> CommitThree(LedgerWriter& writer, absl::Status* outcome) {
  const NamedSource one("1");
  const NamedSource two("2");
  const EntrySource* const sources[] = {&one, &two};
  UnchainedEntry three = EntryOf("3");
  *outcome = co_await writer.Commit(sources, absl::MakeSpan(&three, 1),
                                    IfNotCommitted::kKeep);
  EXPECT_NE(one.writer, gettid());
  EXPECT_EQ(one.writer, two.writer);
  EXPECT_NE(one.writer, 0);
}

TEST_F(LedgerWriterTest, SeveralAreCommittedTogetherAndWrittenByTheThread) {
  Open();
  absl::Status outcome = absl::UnknownError("not told");
  EXPECT_TRUE(loop_.RunTask([&] { return CommitThree(*writer_, &outcome); }));
  EXPECT_TRUE(outcome.ok()) << outcome;
  EXPECT_EQ(writer_->counts().commits, 1);
  EXPECT_EQ(Committed(), (std::vector<std::string>{"1", "2", "3"}));
}

TEST_F(LedgerWriterTest, WhatIsKeptOfSourcesIsWritten) {
  Open();
  EXPECT_TRUE(Commit("0", IfNotCommitted::kForget).ok());
  Move(path_, path_ + ".away");
  absl::Status outcome;
  EXPECT_TRUE(loop_.RunTask([&] { return CommitThree(*writer_, &outcome); }));
  EXPECT_FALSE(outcome.ok());
  EXPECT_EQ(writer_->counts().kept, 3);
  Move(path_ + ".away", path_);
  EXPECT_TRUE(loop_.RunTask([&] { return AwaitNothingKept(*writer_); }));
  EXPECT_EQ(Committed(), (std::vector<std::string>{"0", "1", "2", "3"}));
}

Task<void> CommitNamed(LedgerWriter& writer, std::string id,
                       absl::Status* outcome) {
  const NamedSource source(std::move(id));
  const EntrySource* const sources[] = {&source};
  *outcome = co_await writer.Commit(sources, {}, IfNotCommitted::kForget);
}

TEST_F(LedgerWriterTest, SourcesCountForWhatMayWait) {
  Open({.bytes_limit = 999});
  absl::Status outcome;
  const auto commit = [&] { return CommitNamed(*writer_, "1", &outcome); };
  EXPECT_TRUE(loop_.RunTask(commit));
  EXPECT_EQ(outcome.code(), absl::StatusCode::kResourceExhausted) << outcome;
  writer_.reset();
  Open({.bytes_limit = 1000});
  EXPECT_TRUE(loop_.RunTask(commit));
  EXPECT_TRUE(outcome.ok()) << outcome;
  EXPECT_EQ(Committed(), std::vector<std::string>{"1"});
}

TEST_F(LedgerWriterTest, WithoutAThreadSomebodyDoesItsTurns) {
  auto log = LedgerLog::Open({.path = path_});
  ASSERT_TRUE(log.ok()) << log.status();
  int woken = 0;
  writer_ =
      std::make_unique<LedgerWriter>(*std::move(log), LedgerWriter::Options(),
                                     SystemClock(), [&] { ++woken; });
  LoopRunner runner;
  std::vector<absl::Status> outcomes(2, absl::UnknownError("waits"));
  runner.Run([](LedgerWriter& writer, std::vector<absl::Status>& each,
                const int& wakes) -> Task<void> {
    Spawn(CommitOne(writer, "one", IfNotCommitted::kForget, &each[0]));
    Spawn(CommitOne(writer, "two", IfNotCommitted::kForget, &each[1]));
    EXPECT_EQ(wakes, 1);
    writer.BeginTurn();
    co_await YieldToLoop();
    EXPECT_EQ(writer.counts().entries, 0);
    EXPECT_FALSE(each[0].ok());
    writer.EndTurn();
    EXPECT_EQ(writer.counts().entries, 2);
    while (!each[1].ok()) co_await YieldToLoop();
  }(*writer_, outcomes, woken));
  EXPECT_TRUE(outcomes[0].ok()) << outcomes[0];
  EXPECT_EQ(writer_->Close(), LedgerWriter::Unwritten());
  EXPECT_EQ(Committed(), (std::vector<std::string>{"one", "two"}));
}

}  // namespace
}  // namespace gateway
