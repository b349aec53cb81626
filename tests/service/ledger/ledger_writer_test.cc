#include "service/ledger/ledger_writer.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "gtest/gtest.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/sqlite_commit_store.h"
#include "service/store/sqlite_connection.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using IfNotCommitted = LedgerWriter::IfNotCommitted;

UnchainedEntry EntryOf(const std::string& id) {
  LedgerEntry entry;
  entry.event_type = "EXCHANGE";
  entry.id = id;
  return UnchainedEntry(entry);
}

Task<void> CommitOne(LedgerWriter& writer, std::string id,
                     IfNotCommitted otherwise, absl::Status* outcome) {
  *outcome = co_await writer.Commit(EntryOf(id), otherwise);
}

Task<void> AwaitNothingKept(LedgerWriter& writer) {
  CancelSignal never;
  while (writer.counts().kept > 0) {
    const absl::Status slept =
        co_await Sleep(*EventLoop::Current(), absl::Milliseconds(20), never);
    EXPECT_TRUE(slept.ok());
  }
}

Task<void> AwaitStall(LedgerWriter& writer) {
  CancelSignal never;
  while (!writer.counts().stalled) {
    const absl::Status slept =
        co_await Sleep(*EventLoop::Current(), absl::Milliseconds(5), never);
    EXPECT_TRUE(slept.ok());
  }
}

class LedgerWriterTest : public testing::Test {
 protected:
  void Open(const LedgerWriter::Options& options = {}) {
    auto log = LedgerLog::Open({.path = path_});
    ASSERT_TRUE(log.ok()) << log.status();
    writer_ =
        std::make_unique<LedgerWriter>(*std::move(log), options, SystemClock());
  }
  absl::Status Commit(const std::string& id, IfNotCommitted otherwise) {
    absl::Status outcome;
    EXPECT_TRUE(loop_.RunTask(
        [&] { return CommitOne(*writer_, id, otherwise, &outcome); }));
    return outcome;
  }
  // Where SQLite does not find it, and back.
  void Move(const std::string& from, const std::string& to) {
    for (const char* const suffix : {"", "-wal"}) {
      std::filesystem::rename(from + suffix, to + suffix);
    }
  }
  // The ids of what is in the file, whose chain is checked.
  std::vector<std::string> Committed() {
    writer_.reset();
    std::vector<std::string> ids;
    auto log = LedgerLog::Open({.path = path_});
    EXPECT_TRUE(log.ok()) << log.status();
    if (!log.ok()) return ids;
    ChainCheck check;
    const absl::Status read = (*log)->Read(1, [&](const LedgerCommit& commit) {
      ForEachEntry(commit.texts, [&](std::string_view entry) {
        const ChainCheck::Finding finding = check.Add(entry);
        EXPECT_EQ(finding.what, "");
        ids.push_back(finding.entry_id);
        EntryFacts facts;
        EXPECT_TRUE(ReadEntryFacts(entry, &facts).ok());
        if (facts.event_type != "ENTRIES_LOST") return;
        // How many there were.
        ids.back() =
            absl::StrCat(facts.reason.substr(0, facts.reason.find(' ')), " ",
                         facts.event_type);
      });
      return absl::OkStatus();
    });
    EXPECT_TRUE(read.ok()) << read;
    return ids;
  }
  TemporaryFolder folder_;
  std::string path_ = folder_.Path("ledger.db");
  std::unique_ptr<LedgerWriter> writer_;
  LoopThread loop_;
};

// A file whose disk brings nothing while it is told so.
class StallingStore : public CommitStore {
 public:
  explicit StallingStore(std::unique_ptr<CommitStore> store)
      : store_(std::move(store)) {}

  void Stall() {
    const MutexLock lock(mu_);
    is_stalled_ = true;
  }
  void GoOn(absl::Status outcome = absl::OkStatus()) {
    const MutexLock lock(mu_);
    is_stalled_ = false;
    outcome_ = std::move(outcome);
    changed_.NotifyAll();
  }

  std::string name() const override { return store_->name(); }
  std::string_view remedy() const override { return store_->remedy(); }
  absl::Status Append(const NewCommit& commit) override {
    {
      MutexLock lock(mu_);
      while (is_stalled_) changed_.Wait(lock);
      absl::Status outcome = std::exchange(outcome_, absl::OkStatus());
      if (!outcome.ok()) return outcome;
    }
    return store_->Append(commit);
  }
  absl::StatusOr<LastCommit> Last() override { return store_->Last(); }
  absl::StatusOr<LedgerCheckpoint> LoadCheckpoint() override {
    return store_->LoadCheckpoint();
  }
  absl::Status KeepCheckpoint(LedgerCheckpoint checkpoint) override {
    return store_->KeepCheckpoint(std::move(checkpoint));
  }
  absl::Status Read(int64_t first, VisitCommit visit) const override {
    return store_->Read(first, visit);
  }

 private:
  const std::unique_ptr<CommitStore> store_;
  Mutex mu_;
  CondVar changed_;
  bool is_stalled_ GUARDED_BY(mu_) = false;
  absl::Status outcome_ GUARDED_BY(mu_);
};

// Nobody waits for longer than a moment.
class StalledLedgerTest : public LedgerWriterTest {
 protected:
  void SetUp() override {
    auto file = SqliteCommitStore::Open({.path = path_});
    ASSERT_TRUE(file.ok()) << file.status();
    auto store = std::make_unique<StallingStore>(*std::move(file));
    store_ = store.get();
    auto log = LedgerLog::Open(std::move(store), {});
    ASSERT_TRUE(log.ok()) << log.status();
    writer_ = std::make_unique<LedgerWriter>(
        *std::move(log),
        LedgerWriter::Options{.entries_limit = 3,
                              .wait_limit = absl::Milliseconds(50)},
        SystemClock());
    ASSERT_TRUE(Commit("before", IfNotCommitted::kForget).ok());
    store_->Stall();
  }
  void TearDown() override {
    if (writer_ != nullptr) store_->GoOn();
  }
  void AwaitEndOfStall() {
    ASSERT_TRUE(loop_.RunTask([&] { return AwaitNothingKept(*writer_); }));
    EXPECT_FALSE(writer_->counts().stalled);
    EXPECT_FALSE(writer_->counts().failing);
  }

  StallingStore* store_ = nullptr;  // The writer's.
};

TEST_F(StalledLedgerTest, WhoIsToGoOnWaitsNoLongerThanTheLimit) {
  EXPECT_TRUE(Commit("under way", IfNotCommitted::kKeepAndGoOn).ok());
  const LedgerWriter::Counts counts = writer_->counts();
  EXPECT_TRUE(counts.failing);
  EXPECT_TRUE(counts.stalled);
  EXPECT_EQ(counts.kept, 1);
  EXPECT_TRUE(Commit("kept", IfNotCommitted::kKeepAndGoOn).ok());
  EXPECT_EQ(Commit("told", IfNotCommitted::kKeep).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(writer_->counts().kept, 3);
  EXPECT_EQ(writer_->counts().commits, 1);
  store_->GoOn();
  AwaitEndOfStall();
  EXPECT_TRUE(Commit("after", IfNotCommitted::kForget).ok());
  EXPECT_EQ(Committed(), (std::vector<std::string>{"before", "under way",
                                                   "kept", "told", "after"}));
}

TEST_F(StalledLedgerTest, WhatIsNotToBeKeptIsRefusedAndTheNextAtOnce) {
  const absl::Status refused = Commit("under way", IfNotCommitted::kForget);
  EXPECT_EQ(refused,
            absl::DeadlineExceededError("a commit has not ended within 50ms"));
  EXPECT_EQ(Commit("next", IfNotCommitted::kForget), refused);
  EXPECT_EQ(Commit("an operator's", IfNotCommitted::kForgetOnceKnown), refused);
  EXPECT_EQ(writer_->counts().kept, 0);
  EXPECT_EQ(writer_->counts().waiting, 0);
  EXPECT_TRUE(Commit("kept", IfNotCommitted::kKeepAndGoOn).ok());
  store_->GoOn();
  AwaitEndOfStall();
  EXPECT_EQ(Committed(),
            (std::vector<std::string>{"before", "under way", "kept"}));
}

TEST_F(StalledLedgerTest, WhoWaitsBehindTheCommitIsLetGoToo) {
  std::vector<absl::Status> outcomes(3, absl::UnknownError("waits"));
  std::vector<Event> done(3);
  const auto commit = [&](size_t i, std::string id, IfNotCommitted otherwise) {
    loop_.loop().Post([this, &outcomes, &done, i, id, otherwise] {
      Spawn([](LedgerWriter& writer, std::string each, IfNotCommitted how,
               absl::Status* outcome, Event& over) -> Task<void> {
        co_await CommitOne(writer, std::move(each), how, outcome);
        over.Set();
      }(*writer_, id, otherwise, &outcomes[i], done[i]));
    });
  };
  commit(0, "under way", IfNotCommitted::kKeepAndGoOn);
  commit(1, "behind", IfNotCommitted::kKeepAndGoOn);
  commit(2, "refused", IfNotCommitted::kForget);
  for (Event& each : done) ASSERT_TRUE(each.Wait());
  EXPECT_TRUE(outcomes[0].ok()) << outcomes[0];
  EXPECT_TRUE(outcomes[1].ok()) << outcomes[1];
  EXPECT_EQ(outcomes[2].code(), absl::StatusCode::kDeadlineExceeded);
  store_->GoOn();
  AwaitEndOfStall();
  const std::vector<std::string> ids = Committed();
  ASSERT_GE(ids.size(), 3);
  EXPECT_EQ(ids[1], "under way");
  // It may have been with the first one.
  EXPECT_EQ(std::count(ids.begin(), ids.end(), "behind"), 1);
}

TEST_F(StalledLedgerTest, WhatFailsAfterAllIsWrittenBeforeWhatCameLater) {
  EXPECT_TRUE(Commit("under way", IfNotCommitted::kKeepAndGoOn).ok());
  EXPECT_TRUE(Commit("later", IfNotCommitted::kKeepAndGoOn).ok());
  store_->GoOn(absl::UnavailableError("the disk has gone"));
  AwaitEndOfStall();
  EXPECT_EQ(writer_->counts().failures, 1);
  EXPECT_EQ(Committed(),
            (std::vector<std::string>{"before", "under way", "later"}));
}

TEST_F(StalledLedgerTest, WhatIsKeptMeanwhileIsBounded) {
  EXPECT_TRUE(Commit("under way", IfNotCommitted::kKeepAndGoOn).ok());
  for (const char* const id : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
    EXPECT_TRUE(Commit(id, IfNotCommitted::kKeepAndGoOn).ok());
  }
  EXPECT_EQ(writer_->counts().lost, 2);
  store_->GoOn();
  AwaitEndOfStall();
  EXPECT_EQ(Committed(),
            (std::vector<std::string>{"before", "under way", "1", "2", "3", "4",
                                      "5", "6", "2 ENTRIES_LOST"}));
}

TEST_F(StalledLedgerTest, WhoAsksToKnowWaitsForTheCommitThatIsUnderWay) {
  absl::Status outcome = absl::UnknownError("waits");
  Event done;
  loop_.loop().Post([&] {
    Spawn([](LedgerWriter& writer, absl::Status* told,
             Event& over) -> Task<void> {
      co_await CommitOne(writer, "an operator's",
                         IfNotCommitted::kForgetOnceKnown, told);
      over.Set();
    }(*writer_, &outcome, done));
  });
  ASSERT_TRUE(loop_.RunTask([&] { return AwaitStall(*writer_); }));
  store_->GoOn();
  ASSERT_TRUE(done.Wait());
  EXPECT_TRUE(outcome.ok()) << outcome;
  EXPECT_EQ(Committed(), (std::vector<std::string>{"before", "an operator's"}));
}

Task<void> CommitMany(LedgerWriter& writer, int count, int* committed) {
  for (int i = 0; i < count; ++i) {
    const absl::Status outcome = co_await writer.Commit(
        EntryOf(absl::StrCat("LED-", i)), IfNotCommitted::kForget);
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

TEST_F(LedgerWriterTest, WhereTooMuchWaitsIsToldAtOnce) {
  Open({.bytes_limit = 10});
  const absl::Status outcome = Commit("large", IfNotCommitted::kKeep);
  EXPECT_EQ(outcome.code(), absl::StatusCode::kResourceExhausted) << outcome;
  EXPECT_EQ(writer_->counts().lost, 1);
  EXPECT_TRUE(Commit("large", IfNotCommitted::kKeepAndGoOn).ok());
  EXPECT_EQ(writer_->counts().lost, 2);
  EXPECT_EQ(Committed(), std::vector<std::string>{"2 ENTRIES_LOST"});
}

TEST_F(LedgerWriterTest, LossesAreToldOnceAsSoonAsThatIsPossible) {
  Open({.entries_limit = 1});
  Move(path_, folder_.Path("away.db"));
  for (const char* const id : {"1", "2", "3", "4", "5"}) {
    EXPECT_TRUE(Commit(id, IfNotCommitted::kKeepAndGoOn).ok());
  }
  EXPECT_EQ(writer_->counts().lost, 3);
  Move(folder_.Path("away.db"), path_);
  ASSERT_TRUE(loop_.RunTask([&] { return AwaitNothingKept(*writer_); }));
  EXPECT_TRUE(Commit("6", IfNotCommitted::kForget).ok());
  EXPECT_EQ(Committed(),
            (std::vector<std::string>{"1", "2", "3 ENTRIES_LOST", "6"}));
}

TEST_F(LedgerWriterTest, WhatCannotBeWrittenAtTheEndIsCounted) {
  Open();
  EXPECT_TRUE(Commit("before", IfNotCommitted::kForget).ok());
  Move(path_, folder_.Path("away.db"));
  EXPECT_FALSE(Commit("kept", IfNotCommitted::kKeep).ok());
  EXPECT_EQ(writer_->Close(), 1);
  Move(folder_.Path("away.db"), path_);
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
  LedgerWriter::Sources sources;
  sources.push_back(&one);
  sources.push_back(&two);
  std::vector<UnchainedEntry> behind;
  behind.push_back(EntryOf("3"));
  *outcome = co_await writer.Commit(std::move(sources), std::move(behind),
                                    IfNotCommitted::kKeep);
  EXPECT_NE(one.writer, gettid());
  EXPECT_EQ(one.writer, two.writer);
  EXPECT_EQ(one.writer == 0,
            outcome->code() == absl::StatusCode::kResourceExhausted);
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

TEST_F(LedgerWriterTest, SourcesCountForWhatMayWait) {
  Open({.bytes_limit = 999});
  absl::Status outcome;
  EXPECT_TRUE(loop_.RunTask([&] { return CommitThree(*writer_, &outcome); }));
  EXPECT_EQ(outcome.code(), absl::StatusCode::kResourceExhausted) << outcome;
  EXPECT_EQ(writer_->counts().lost, 3);
  EXPECT_EQ(Committed(), std::vector<std::string>{"3 ENTRIES_LOST"});
}

TEST_F(LedgerWriterTest, WithoutAThreadSomebodyDoesItsTurns) {
  auto log = LedgerLog::Open({.path = path_});
  ASSERT_TRUE(log.ok()) << log.status();
  int woken = 0;
  writer_ = std::make_unique<LedgerWriter>(*std::move(log),
                                           LedgerWriter::Options(),
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
  EXPECT_EQ(writer_->Close(), 0);
  EXPECT_EQ(Committed(), (std::vector<std::string>{"one", "two"}));
}

}  // namespace
}  // namespace gateway
