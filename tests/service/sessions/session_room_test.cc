// What room a store has for sessions, by their number and their bytes, and
// which part of it is one caller's.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/await_all.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/sessions/session_store.h"
#include "service/store/memory_record_store.h"
#include "tests/service/sessions/session_store_case.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::ElementsAre;

using SessionRoomTest = SessionStoreCase;

TEST_F(SessionRoomTest, OneCallerLeavesOthersTheirPart) {
  limits_.sessions = 8;
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(Create().ok());
  const absl::Status refused = Create().status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_SESSION_LIMITED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "sessions.sessions_limit");
  EXPECT_THAT(std::string(refused.message()),
              testing::HasSubstr("for callers who have fewer"));
  EXPECT_TRUE(Create({}, "another").ok());
}

TEST_F(SessionRoomTest, TheSharesOfBeforeAreKnownWhenTheyAreLoaded) {
  limits_.sessions = 8;
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(Create().ok());
  const PutOptions anyhow;
  ASSERT_TRUE(runner_
                  .Run(records_.Put(SessionStore::kCollection, "damaged",
                                    "\xff\xff", anyhow, never_))
                  .ok());
  SessionStore after(records_, time_, random_);
  ASSERT_TRUE(runner_.Run(after.Load(never_)).ok());
  const absl::Status refused =
      runner_.Run(after.Create(limits_, "alice", {}, never_)).status();
  EXPECT_EQ(after.stats().refused_by_share, 1) << refused;
  EXPECT_TRUE(runner_.Run(after.Create(limits_, "bob", {}, never_)).ok());
  // They end as they would have.
  Pass(absl::Hours(1));
  EXPECT_TRUE(runner_.Run(after.Create(limits_, "alice", {}, never_)).ok());
}

// A store that knows who has what, and says what it is told.
class CountingStore final : public MemoryRecordStore {
 public:
  using MemoryRecordStore::MemoryRecordStore;

  bool counts_owners() const override { return true; }
  Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                    std::string_view key, std::string value,
                                    PutOptions options,
                                    CancelSignal& cancel) override {
    owner = options.owner.value_or("(nobody)");
    quota = options.quota;
    if (refusal.has_value()) co_return RefuseByQuota(collection, *refusal);
    co_return co_await MemoryRecordStore::Put(collection, key, std::move(value),
                                              options, cancel);
  }
  Task<absl::StatusOr<bool>> Delete(std::string_view collection,
                                    std::string_view key, DeleteOptions options,
                                    CancelSignal& cancel) override {
    owner = options.owner.value_or("(nobody)");
    co_return co_await MemoryRecordStore::Delete(collection, key, options,
                                                 cancel);
  }

  std::optional<QuotaRefusal> refusal;
  std::string owner;
  std::optional<RecordQuota> quota;
};

TEST_F(SessionRoomTest, AStoreThatCountsOwnersDecides) {
  CountingStore records({}, time_);
  SessionStore store(records, time_, random_);
  limits_.sessions = 8;
  const auto create = [&] {
    return runner_.Run(store.Create(limits_, "alice", {}, never_));
  };
  // More than this one would let in.
  absl::StatusOr<v1::Session> last = create();
  for (int i = 0; i < 9; ++i) last = create();
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(records.owner, "alice");
  ASSERT_TRUE(records.quota.has_value());
  EXPECT_EQ(records.quota->records, 8);
  EXPECT_EQ(records.quota->share, 2);
  for (const QuotaRefusal refusal :
       {QuotaRefusal::kCollection, QuotaRefusal::kOwner}) {
    records.refusal = refusal;
    const absl::Status refused = create().status();
    EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_SESSION_LIMITED);
    EXPECT_EQ(FaultMetadata(refused, "limit"), "sessions.sessions_limit");
  }
  EXPECT_EQ(store.stats().refused_by_limit, 1);
  EXPECT_EQ(store.stats().refused_by_share, 1);
  // A turn is no session more, and whose it is goes with each change.
  records.refusal.reset();
  records.owner.clear();
  const absl::StatusOr<Turn> turn = Begin(store, last->id());
  ASSERT_TRUE(turn.ok());
  ASSERT_TRUE(SayTo(**turn, "one").ok());
  ASSERT_TRUE(End(**turn, "1").ok());
  EXPECT_EQ(records.owner, "alice");
  EXPECT_FALSE(records.quota.has_value());
  records.owner.clear();
  ASSERT_TRUE(runner_.Run(store.Delete("alice", last->id(), never_)).ok());
  EXPECT_EQ(records.owner, "alice");
}

TEST_F(SessionRoomTest, OneCallerLeavesOthersTheirBytes) {
  limits_.size_bytes = 8'000;
  absl::StatusOr<v1::Session> last = Create();
  std::string id;
  while (last.ok()) {
    id = last->id();
    last = Create();
  }
  EXPECT_EQ(FaultReason(last.status()), v1::ERROR_REASON_SESSION_LIMITED);
  EXPECT_EQ(FaultMetadata(last.status(), "limit"), "sessions.size_bytes_limit");
  // Nor may one of them grow, which is said before anybody is asked.
  const absl::StatusOr<Turn> turn = Begin(here_, id);
  ASSERT_TRUE(turn.ok());
  EXPECT_EQ(FaultMetadata(SayTo(**turn, std::string(500, 'x')), "limit"),
            "sessions.size_bytes_limit");
  // After a restart it is the same.
  SessionStore after(records_, time_, random_);
  ASSERT_TRUE(runner_.Run(after.Load(never_)).ok());
  EXPECT_EQ(
      FaultMetadata(
          runner_.Run(after.Create(limits_, "alice", {}, never_)).status(),
          "limit"),
      "sessions.size_bytes_limit");
  ASSERT_TRUE(runner_.Run(after.Delete("alice", id, never_)).ok());
  EXPECT_TRUE(runner_.Run(after.Create(limits_, "alice", {}, never_)).ok());
  EXPECT_TRUE(runner_.Run(after.Create(limits_, "bob", {}, never_)).ok());
}

TEST_F(SessionRoomTest, AnAnswerForWhichThereAreNoBytesIsNotKept) {
  limits_.size_bytes = 4'000;
  const std::string id = NewId();
  ASSERT_TRUE(Converse(id, "one", "1").ok());
  const absl::Status refused = Converse(id, "two", std::string(4'000, 'a'));
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_SESSION_LIMITED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "sessions.size_bytes_limit");
  EXPECT_EQ(here_.stats().turns_not_kept, 1);
  EXPECT_THAT(Texts(id), ElementsAre("one", "1"));
  EXPECT_TRUE(Converse(id, "two", "2").ok());
}

v1::CreateSessionRequest WithContextOf(size_t bytes) {
  v1::CreateSessionRequest request;
  (*request.mutable_context()->mutable_fields())["x"].set_string_value(
      std::string(bytes, 'x'));
  return request;
}

TEST_F(SessionRoomTest, ThoseWhoOpenAtOnceExceedNoLimitTogether) {
  limits_.size_bytes = 8'000;
  records_.slow_on = &runner_.loop();
  const v1::CreateSessionRequest large = WithContextOf(3'000);
  std::vector<Task<absl::StatusOr<v1::Session>>> opening;
  for (int i = 0; i < 4; ++i) {
    opening.push_back(here_.Create(limits_, "alice", large, never_));
  }
  const auto opened = runner_.Run(AwaitAll(std::move(opening)));
  EXPECT_EQ(std::count_if(opened.begin(), opened.end(),
                          [](const auto& each) { return each.ok(); }),
            1);
}

TEST_F(SessionRoomTest, WhatCouldNotBeKeptTakesNoBytes) {
  limits_.size_bytes = 8'000;
  records_.broken = absl::ResourceExhaustedError("the disk is full");
  EXPECT_EQ(FaultReason(Create(WithContextOf(5'000)).status()),
            v1::ERROR_REASON_STORE_UNAVAILABLE);
  records_.broken = absl::OkStatus();
  EXPECT_TRUE(Create(WithContextOf(5'000)).ok());
}

TEST_F(SessionRoomTest, WhatMayBeKeptOfACallerWhoHasGoneTakesItsBytes) {
  limits_.size_bytes = 8'000;
  CancelSignal gone;
  records_.leaves = &gone;
  EXPECT_TRUE(absl::IsCancelled(
      runner_.Run(here_.Create(limits_, "alice", WithContextOf(5'000), gone))
          .status()));
  records_.leaves = nullptr;
  EXPECT_EQ(FaultMetadata(Create(WithContextOf(5'000)).status(), "limit"),
            "sessions.size_bytes_limit");
  Pass(absl::Hours(1));
  EXPECT_TRUE(Create(WithContextOf(5'000)).ok());
}

TEST_F(SessionRoomTest, ThereAreNoMoreThanTheLimit) {
  limits_.sessions = 2;
  const std::string first = NewId();
  ASSERT_TRUE(Create().ok());
  const absl::Status refused = Create().status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_SESSION_LIMITED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "sessions.sessions_limit");
  ASSERT_TRUE(Delete(first).ok());
  EXPECT_TRUE(Create().ok());
  EXPECT_FALSE(Create().ok());
}

TEST_F(SessionRoomTest, SessionsThatHaveExpiredMakeRoom) {
  limits_.sessions = 1;
  ASSERT_TRUE(Create().ok());
  EXPECT_FALSE(Create().ok());
  Pass(absl::Hours(1) + absl::Seconds(1));
  EXPECT_TRUE(Create().ok());
}

TEST_F(SessionRoomTest, ThoseOfBeforeAndOfOthersCount) {
  ASSERT_TRUE(Create().ok());
  limits_.sessions = 2;
  const v1::CreateSessionRequest request;
  ASSERT_TRUE(runner_.Run(there_.Create(limits_, "bob", request, never_)).ok());
  EXPECT_FALSE(
      runner_.Run(there_.Create(limits_, "bob", request, never_)).ok());
}

TEST_F(SessionRoomTest, WhatCouldNotBeKeptDoesNotCount) {
  limits_.sessions = 1;
  records_.broken = absl::UnavailableError("the disk is gone");
  EXPECT_EQ(FaultReason(Create().status()), v1::ERROR_REASON_STORE_UNAVAILABLE);
  records_.broken = absl::OkStatus();
  EXPECT_TRUE(Create().ok());
}

}  // namespace
}  // namespace gateway
