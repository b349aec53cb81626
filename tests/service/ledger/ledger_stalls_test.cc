// What LedgerWriter does with a disk that is slow or stalls.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_writer.h"
#include "service/ledger/sqlite_commit_store.h"
#include "tests/service/ledger/ledger_writer_case.h"
#include "tests/testing/event.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using IfNotCommitted = LedgerWriter::IfNotCommitted;

Task<void> AwaitWaitingEntries(LedgerWriter& writer, size_t entries) {
  CancelSignal never;
  while (writer.counts().waiting < entries) {
    const absl::Status slept =
        co_await Sleep(*EventLoop::Current(), absl::Milliseconds(5), never);
    EXPECT_TRUE(slept.ok());
  }
}

Task<void> AwaitKeptEntries(LedgerWriter& writer, size_t entries) {
  CancelSignal never;
  while (writer.counts().kept < entries) {
    const absl::Status slept =
        co_await Sleep(*EventLoop::Current(), absl::Milliseconds(5), never);
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

// Calls of a writer that go on side by side, in the order that they began.
class Crowd {
 public:
  Crowd(LoopThread& loop, LedgerWriter& writer)
      : loop_(loop), writer_(writer) {}

  void Begin(std::string id, IfNotCommitted otherwise) {
    Each& each = calls_.emplace_back();
    loop_.loop().Post([this, &each, id = std::move(id), otherwise] {
      Spawn(Run(writer_, id, otherwise, each));
    });
  }
  // What each was told; in the order that they began.
  std::vector<absl::StatusCode> Outcomes() {
    std::vector<absl::StatusCode> told;
    for (Each& each : calls_) {
      EXPECT_TRUE(each.done.Wait());
      told.push_back(each.outcome.code());
    }
    return told;
  }

 private:
  struct Each {
    Event done;
    absl::Status outcome;
  };
  static Task<void> Run(LedgerWriter& writer, std::string id,
                        IfNotCommitted otherwise, Each& each) {
    co_await CommitOne(writer, std::move(id), otherwise, &each.outcome);
    each.done.Set();
  }

  LoopThread& loop_;
  LedgerWriter& writer_;
  std::deque<Each> calls_;  // Each stays where it is.
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
    stalls_ = false;
    outcome_ = std::move(outcome);
    changed_.NotifyAll();
  }
  // Goes on until this entry is to be written.
  void GoOnUntil(std::string id) {
    const MutexLock lock(mu_);
    is_stalled_ = false;
    stalls_ = false;
    stall_at_ = std::move(id);
    changed_.NotifyAll();
  }
  void AwaitStall() {
    MutexLock lock(mu_);
    while (!stalls_) changed_.Wait(lock);
  }

  std::string name() const override { return store_->name(); }
  std::string_view remedy() const override { return store_->remedy(); }
  absl::Status Append(const NewCommit& commit) override {
    {
      MutexLock lock(mu_);
      if (!stall_at_.empty() &&
          commit.commit.texts.find(stall_at_) != std::string_view::npos) {
        is_stalled_ = true;
        stall_at_.clear();
      }
      while (is_stalled_) {
        stalls_ = true;
        changed_.NotifyAll();
        changed_.Wait(lock);
      }
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
  bool stalls_ GUARDED_BY(mu_) = false;  // Somebody waits for it.
  std::string stall_at_ GUARDED_BY(mu_);
  absl::Status outcome_ GUARDED_BY(mu_);
};

// Nobody waits for longer than a moment.
class StalledLedgerTest : public LedgerWriterCase {
 protected:
  void SetUp() override {
    OpenAndStall({.entries_limit = 3, .wait_limit = absl::Milliseconds(50)});
  }
  void OpenAndStall(const LedgerWriter::Options& options,
                    Clock& clock = SystemClock()) {
    auto file = SqliteCommitStore::Open({.path = path_});
    ASSERT_TRUE(file.ok()) << file.status();
    auto store = std::make_unique<StallingStore>(*std::move(file));
    store_ = store.get();
    auto log = LedgerLog::Open(std::move(store), {});
    ASSERT_TRUE(log.ok()) << log.status();
    writer_ = std::make_unique<LedgerWriter>(*std::move(log), options, clock);
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
  EXPECT_EQ(writer_->unwritten(),
            (LedgerWriter::Unwritten{.lost = 2, .under_way = 1}));
  EXPECT_EQ(writer_->counts().commits, 1);
  store_->GoOn();
  AwaitEndOfStall();
  EXPECT_EQ(writer_->unwritten(), LedgerWriter::Unwritten());
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
  EXPECT_EQ(writer_->unwritten(), LedgerWriter::Unwritten());  // None happened.
  EXPECT_TRUE(Commit("kept", IfNotCommitted::kKeepAndGoOn).ok());
  EXPECT_EQ(writer_->unwritten(), LedgerWriter::Unwritten{.lost = 1});
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
  // The lost ones, too, are in no ledger yet.
  EXPECT_EQ(writer_->unwritten(),
            (LedgerWriter::Unwritten{.lost = 8, .under_way = 1}));
  store_->GoOn();
  AwaitEndOfStall();
  EXPECT_EQ(writer_->unwritten(), LedgerWriter::Unwritten());
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

// Nobody is to wait for a slow disk who waits in passing.
class PassedLedgerTest : public StalledLedgerTest {
 protected:
  void SetUp() override {
    OpenAndStall({.entries_limit = 2,
                  .wait_limit = absl::Minutes(10),
                  .passing_limit = absl::Milliseconds(50)});
  }
};

TEST_F(PassedLedgerTest, WhoIsRefusedWaitsForNoSlowDisk) {
  EXPECT_EQ(Commit("under way", IfNotCommitted::kKeepInPassing).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(writer_->counts().failing);
  EXPECT_EQ(writer_->unwritten(), LedgerWriter::Unwritten{.under_way = 1});
  // Nobody else waits at all; and what is kept of them is bounded.
  for (const char* const id : {"1", "2", "3"}) {
    EXPECT_FALSE(Commit(id, IfNotCommitted::kKeepInPassing).ok());
  }
  EXPECT_EQ(writer_->counts().waiting, 0);
  EXPECT_EQ(writer_->counts().lost, 1);
  EXPECT_TRUE(writer_->counts().losing);
  EXPECT_EQ(writer_->unwritten(),
            (LedgerWriter::Unwritten{.lost = 3, .under_way = 1}));
  store_->GoOn();
  AwaitEndOfStall();
  EXPECT_FALSE(writer_->counts().losing);
  EXPECT_EQ(Committed(), (std::vector<std::string>{"before", "under way", "1",
                                                   "2", "1 ENTRIES_LOST"}));
}

TEST_F(PassedLedgerTest, WhatMustNotBeLostOfItHasTwiceTheRoom) {
  EXPECT_EQ(Commit("under way", IfNotCommitted::kKeepAllInPassing).code(),
            absl::StatusCode::kDeadlineExceeded);
  for (const char* const id : {"1", "2", "3", "4"}) {
    EXPECT_EQ(Commit(id, IfNotCommitted::kKeepAllInPassing).code(),
              absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_EQ(writer_->counts().lost, 0U);
  store_->GoOn();
  AwaitEndOfStall();
  EXPECT_EQ(Committed(), (std::vector<std::string>{"before", "under way", "1",
                                                   "2", "3", "4"}));
}

TEST_F(PassedLedgerTest, WhoWaitsBehindOthersInPassingIsLetGoAlone) {
  Crowd crowd(loop_, *writer_);
  crowd.Begin("under way", IfNotCommitted::kKeep);
  store_->AwaitStall();
  crowd.Begin("answer", IfNotCommitted::kKeep);
  crowd.Begin("refusal", IfNotCommitted::kKeepInPassing);
  ASSERT_TRUE(loop_.RunTask([&] { return AwaitKeptEntries(*writer_, 1); }));
  EXPECT_EQ(writer_->counts().waiting, 1);
  store_->GoOn();
  using enum absl::StatusCode;
  EXPECT_THAT(crowd.Outcomes(),
              testing::ElementsAre(kOk, kOk, kDeadlineExceeded));
  AwaitEndOfStall();
  EXPECT_EQ(writer_->counts().lost, 0);
  EXPECT_EQ(Committed(), (std::vector<std::string>{"before", "under way",
                                                   "refusal", "answer"}));
}

TEST_F(PassedLedgerTest, WhereTheDiskIsNotSlowItIsWrittenBeforeItIsTold) {
  store_->GoOn();
  EXPECT_TRUE(Commit("refusal", IfNotCommitted::kKeepInPassing).ok());
  EXPECT_EQ(Committed(), (std::vector<std::string>{"before", "refusal"}));
}

// A disk that is slow, and one entry has room to wait, and no more.
class SlowLedgerTest : public StalledLedgerTest {
 protected:
  void SetUp() override { OpenAndStall(options_); }

  // Has one commit under way, and these wait behind it.
  void Begin(const std::vector<std::string>& waiting) {
    crowd_.emplace(loop_, *writer_);
    crowd_->Begin("under way", IfNotCommitted::kKeep);
    store_->AwaitStall();
    for (const std::string& id : waiting) {
      crowd_->Begin(id, IfNotCommitted::kKeep);
    }
  }
  void AwaitWaiting(size_t entries) {
    ASSERT_TRUE(
        loop_.RunTask([&] { return AwaitWaitingEntries(*writer_, entries); }));
  }

  const LedgerWriter::Options options_ = {
      .entries_limit = 1,
      .bytes_limit = EntryOf("1").chained_bytes() + 20,
      .wait_limit = absl::Minutes(10)};
  std::optional<Crowd> crowd_;
};

TEST_F(SlowLedgerTest, NothingIsLostAndEachWaitsForHisTurn) {
  const std::vector<std::string> many = {"1", "2", "3", "4", "5",
                                         "6", "7", "8", "9"};
  Begin(many);
  AwaitWaiting(many.size());
  // Who could be refused is.
  EXPECT_EQ(Commit("dispatch", IfNotCommitted::kForget).code(),
            absl::StatusCode::kResourceExhausted);
  store_->GoOn();
  EXPECT_THAT(crowd_->Outcomes(), testing::Each(absl::StatusCode::kOk));
  const LedgerWriter::Counts counts = writer_->counts();
  EXPECT_EQ(counts.lost, 0);
  EXPECT_EQ(counts.failures, 0);
  EXPECT_EQ(counts.waiting, 0);
  // As much at once as has room, and not all of it.
  EXPECT_EQ(counts.commits, 2 + many.size());
  EXPECT_TRUE(Commit("after", IfNotCommitted::kForget).ok());
  EXPECT_EQ(Committed(),
            (std::vector<std::string>{"before", "under way", "1", "2", "3", "4",
                                      "5", "6", "7", "8", "9", "after"}));
}

TEST_F(SlowLedgerTest, WhatIsLargerThanAllTheRoomIsCommittedAlone) {
  const std::string large(2 * options_.bytes_limit, 'x');
  Begin({"1", large, "2"});
  AwaitWaiting(3);
  store_->GoOn();
  EXPECT_THAT(crowd_->Outcomes(), testing::Each(absl::StatusCode::kOk));
  EXPECT_EQ(writer_->counts().commits, 5);
  EXPECT_EQ(Committed(),
            (std::vector<std::string>{"before", "under way", "1", large, "2"}));
}

TEST_F(SlowLedgerTest, NobodyWaitsForTurnsOfALedgerThatCannotBeWritten) {
  Begin({"1", "2", "3", "4", "5"});
  AwaitWaiting(5);
  store_->GoOnUntil("\"2\"");
  store_->AwaitStall();
  testing::internal::CaptureStderr();
  store_->GoOn(absl::UnavailableError("the disk has gone"));
  using enum absl::StatusCode;
  EXPECT_THAT(crowd_->Outcomes(),
              testing::ElementsAre(kOk, kOk, kUnavailable, kUnavailable,
                                   kUnavailable, kUnavailable));
  AwaitEndOfStall();
  // Two have room to be kept.
  EXPECT_EQ(writer_->counts().lost, 2);
  EXPECT_TRUE(Commit("after", IfNotCommitted::kForget).ok());
  EXPECT_THAT(LostIn(testing::internal::GetCapturedStderr()),
              testing::Not(testing::IsEmpty()));
  EXPECT_EQ(Committed(),
            (std::vector<std::string>{"before", "under way", "1", "2", "3",
                                      "2 ENTRIES_LOST", "after"}));
}

// Time moves when it is told; no commit takes as long as somebody waits.
class OverdueLedgerTest : public SlowLedgerTest {
 protected:
  static constexpr absl::Duration kLimit = absl::Milliseconds(50);

  void SetUp() override {
    OpenAndStall({.entries_limit = 1,
                  .bytes_limit = options_.bytes_limit,
                  .wait_limit = kLimit},
                 clock_);
  }
  // Has these wait, and the commit of "2" be under way when they have waited
  // for too long in all: "1" has waited for two commits, and that is not it.
  void BeginAndBeSlow(IfNotCommitted otherwise) {
    crowd_.emplace(loop_, *writer_);
    crowd_->Begin("under way", IfNotCommitted::kKeep);
    store_->AwaitStall();
    for (const char* const id : {"1", "2", "3", "4", "5"}) {
      crowd_->Begin(id, otherwise);
    }
    AwaitWaiting(5);
    for (const char* const next : {"\"1\"", "\"2\""}) {
      clock_.Advance(kLimit * 9 / 10);
      store_->GoOnUntil(next);
      store_->AwaitStall();
    }
    clock_.Advance(kLimit * 3 / 5);
  }

  FakeClock clock_;
};

TEST_F(OverdueLedgerTest, NobodyWaitsForLongerInAllAndNothingIsLost) {
  BeginAndBeSlow(IfNotCommitted::kKeep);
  using enum absl::StatusCode;
  EXPECT_THAT(
      crowd_->Outcomes(),
      testing::ElementsAre(kOk, kOk, kDeadlineExceeded, kDeadlineExceeded,
                           kDeadlineExceeded, kDeadlineExceeded));
  EXPECT_FALSE(writer_->counts().failing);
  EXPECT_EQ(writer_->unwritten(),
            (LedgerWriter::Unwritten{.lost = 3, .under_way = 1}));
  // There is no room for what need not be done.
  EXPECT_EQ(Commit("dispatch", IfNotCommitted::kForget).code(),
            kResourceExhausted);
  store_->GoOn();
  AwaitEndOfStall();
  EXPECT_EQ(writer_->counts().lost, 0);
  EXPECT_EQ(writer_->counts().failures, 0);
  EXPECT_EQ(Committed(), (std::vector<std::string>{"before", "under way", "1",
                                                   "2", "3", "4", "5"}));
}

TEST_F(OverdueLedgerTest, WhoGoesOnWaitsForHisTurnWhereHisEntryHasNoRoom) {
  BeginAndBeSlow(IfNotCommitted::kKeepAndGoOn);
  // The one in the commit, and as many as have room.
  ASSERT_TRUE(loop_.RunTask([&] { return AwaitKeptEntries(*writer_, 3); }));
  EXPECT_EQ(writer_->counts().waiting, 1);
  store_->GoOn();
  EXPECT_THAT(crowd_->Outcomes(), testing::Each(absl::StatusCode::kOk));
  AwaitEndOfStall();
  EXPECT_EQ(writer_->counts().lost, 0);
  EXPECT_EQ(Committed(), (std::vector<std::string>{"before", "under way", "1",
                                                   "2", "3", "4", "5"}));
}

// Two have room, and nobody waits for a commit for longer than a moment.
class ImpatientLedgerTest : public SlowLedgerTest {
 protected:
  void SetUp() override {
    OpenAndStall({.entries_limit = 2,
                  .bytes_limit = 2 * options_.bytes_limit,
                  .wait_limit = absl::Milliseconds(50)});
  }
};

TEST_F(ImpatientLedgerTest, WhoWaitsForHisTurnIsLetGoIfAnothersStalls) {
  Begin({"1", "2", "3", "4"});
  store_->GoOnUntil("\"1\"");
  EXPECT_EQ(crowd_->Outcomes().back(), absl::StatusCode::kDeadlineExceeded);
  store_->GoOn();
  AwaitEndOfStall();
  EXPECT_EQ(writer_->counts().lost, 0);
  EXPECT_EQ(Committed(), (std::vector<std::string>{"before", "under way", "1",
                                                   "2", "3", "4"}));
}

}  // namespace
}  // namespace gateway
