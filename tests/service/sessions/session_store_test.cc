#include "service/sessions/session_store.h"

#include <algorithm>
#include <memory>
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
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/proto_time.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/simulated_time.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

// A store that is broken when the test says so.
class BreakableStore final : public MemoryRecordStore {
 public:
  using MemoryRecordStore::MemoryRecordStore;

  Task<absl::StatusOr<std::optional<Record>>> Get(
      std::string_view collection, std::string_view key,
      CancelSignal& cancel) override {
    if (!broken.ok()) co_return broken;
    co_return co_await MemoryRecordStore::Get(collection, key, cancel);
  }
  Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                    std::string_view key, std::string value,
                                    PutOptions options,
                                    CancelSignal& cancel) override {
    ++puts;
    if (!broken.ok()) co_return broken;
    const absl::StatusOr<int64_t> put = co_await MemoryRecordStore::Put(
        collection, key, std::move(value), options, cancel);
    if (leaves != nullptr) {
      leaves->Cancel(absl::CancelledError("left"));
      co_return leaves->status();
    }
    if (slow_on == nullptr) co_return put;
    (co_await Sleep(*slow_on, absl::Seconds(1), cancel)).IgnoreError();
    co_return put;
  }

  Task<absl::StatusOr<int64_t>> Count(std::string_view collection,
                                      CancelSignal& cancel) override {
    ++counts;
    co_return co_await MemoryRecordStore::Count(collection, cancel);
  }

  absl::Status broken;
  // Where what is kept is told a second later; null: at once.
  EventLoop* slow_on = nullptr;
  // Of the caller who leaves when it is kept and before that is told; null if
  // none does.
  CancelSignal* leaves = nullptr;
  int puts = 0;
  int counts = 0;
};

v1::Message Say(v1::Role role, const std::string& text) {
  v1::Message message;
  message.set_role(role);
  if (!text.empty()) message.add_parts()->set_text(text);
  return message;
}

// Two gateways with one store, on one loop whose time is simulated.
class SessionStoreTest : public testing::Test {
 protected:
  using Turn = std::unique_ptr<SessionTurn>;

  absl::StatusOr<v1::Session> Create(
      const v1::CreateSessionRequest& request = {},
      const std::string& owner = "alice") {
    return runner_.Run(here_.Create(limits_, owner, request, never_));
  }
  std::string NewId() { return Create()->id(); }
  absl::StatusOr<v1::Session> Get(const std::string& id,
                                  const std::string& owner = "alice") {
    return runner_.Run(here_.Get(owner, id, never_));
  }
  absl::Status Delete(const std::string& id,
                      const std::string& owner = "alice") {
    return runner_.Run(here_.Delete(owner, id, never_));
  }
  absl::StatusOr<Turn> Begin(SessionStore& store, const std::string& id,
                             SessionStore::TurnOptions options = {},
                             const std::string& owner = "alice") {
    return runner_.Run(store.Begin(limits_, owner, id, options, never_));
  }
  static absl::Status SayTo(SessionTurn& turn, const std::string& text) {
    SessionMessages said;
    *said.Add() = Say(v1::ROLE_USER, text);
    return turn.Say(said);
  }
  absl::Status End(SessionTurn& turn, const std::string& text) {
    return runner_.Run(turn.End(Say(v1::ROLE_ASSISTANT, text), never_));
  }
  absl::Status Converse(const std::string& id, const std::string& said,
                        const std::string& answer) {
    absl::StatusOr<Turn> turn = Begin(here_, id);
    if (!turn.ok()) return turn.status();
    const absl::Status told = SayTo(**turn, said);
    return told.ok() ? End(**turn, answer) : told;
  }
  std::vector<std::string> Texts(const std::string& id) {
    const absl::StatusOr<v1::Session> session = Get(id);
    if (!session.ok()) return {std::string(session.status().message())};
    std::vector<std::string> texts;
    for (const v1::Message& each : session->messages()) {
      texts.push_back(each.parts(0).text());
    }
    return texts;
  }
  absl::Time ExpireTime(const std::string& id) {
    return ToAbsl(Get(id)->expire_time());
  }
  void Pass(absl::Duration duration) {
    ASSERT_TRUE(runner_.Run(Sleep(runner_.loop(), duration, never_)).ok());
  }

  SimulatedTime time_;
  LoopRunner runner_{time_};
  CancelSignal never_;
  BreakableStore records_{{}, time_};
  FakeRandom random_{7};
  SessionLimits limits_ = {.ttl = absl::Hours(1),
                           .sessions = 100,
                           .messages = 100,
                           .session_bytes = 1 << 20,
                           .size_bytes = 64 << 20};
  SessionStore here_{records_, time_, random_};
  SessionStore there_{records_, time_, random_};
};

TEST_F(SessionStoreTest, ASessionIsReadAsItWasOpened) {
  v1::CreateSessionRequest request;
  *request.mutable_ttl() = ToProto(absl::Minutes(5));
  (*request.mutable_context()->mutable_fields())["project"].set_string_value(
      "apollo");
  const absl::StatusOr<v1::Session> opened = Create(request);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_THAT(opened->id(), MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-"
                                         "[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(ToAbsl(opened->create_time()), time_.WallTime());
  EXPECT_EQ(ToAbsl(opened->expire_time()), time_.WallTime() + absl::Minutes(5));
  const absl::StatusOr<v1::Session> read = Get(opened->id());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->SerializeAsString(), opened->SerializeAsString());
  EXPECT_EQ(read->context().fields().at("project").string_value(), "apollo");
}

TEST_F(SessionStoreTest, ATtlIsFromAMinuteToThirtyDays) {
  v1::CreateSessionRequest request;
  for (const absl::Duration ttl :
       {absl::Seconds(59), absl::Hours(720) + absl::Seconds(1),
        absl::Seconds(-1)}) {
    *request.mutable_ttl() = ToProto(ttl);
    const absl::Status refused = Create(request).status();
    EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_INVALID_REQUEST) << ttl;
    EXPECT_EQ(FieldViolations(refused)[0].first, "ttl");
  }
  for (const absl::Duration ttl : {absl::Seconds(60), absl::Hours(720)}) {
    *request.mutable_ttl() = ToProto(ttl);
    EXPECT_TRUE(Create(request).ok()) << ttl;
  }
}

TEST_F(SessionStoreTest, ATurnIsAddedWhole) {
  const std::string id = NewId();
  ASSERT_TRUE(Converse(id, "one", "1").ok());
  ASSERT_TRUE(Converse(id, "two", "2").ok());
  EXPECT_THAT(Texts(id), ElementsAre("one", "1", "two", "2"));
}

TEST_F(SessionStoreTest, ATurnThatDoesNotEndAddsNothing) {
  const std::string id = NewId();
  {
    const absl::StatusOr<Turn> turn = Begin(here_, id);
    ASSERT_TRUE(turn.ok());
    ASSERT_TRUE(SayTo(**turn, "one").ok());
  }
  EXPECT_THAT(Texts(id), IsEmpty());
  EXPECT_TRUE(Converse(id, "one", "1").ok());
}

TEST_F(SessionStoreTest, AnAnswerThatSaysNothingIsNoMessage) {
  const std::string id = NewId();
  ASSERT_TRUE(Converse(id, "one", "").ok());
  EXPECT_THAT(Texts(id), ElementsAre("one"));
}

TEST_F(SessionStoreTest, ToOthersThereIsNoSuchSession) {
  const std::string id = NewId();
  EXPECT_EQ(FaultReason(Get(id, "bob").status()), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(FaultReason(Get(id, "").status()), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(FaultReason(Delete(id, "bob")), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(FaultReason(Begin(here_, id, {}, "bob").status()),
            v1::ERROR_REASON_NOT_FOUND);
  // Nor do they learn that it is busy.
  const absl::StatusOr<Turn> turn = Begin(here_, id);
  ASSERT_TRUE(turn.ok());
  EXPECT_EQ(FaultReason(Begin(here_, id, {}, "bob").status()),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(SessionStoreTest, WhatWasNeverOpenedIsNotFound) {
  EXPECT_EQ(FaultReason(Get("x").status()), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(FaultReason(Get(std::string(36, 'x')).status()),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(FaultReason(Get(std::string(10'000, 'x')).status()),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(FaultReason(Get("").status()), v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(SessionStoreTest, ASessionThatIsDeletedIsGone) {
  const std::string id = NewId();
  ASSERT_TRUE(Delete(id).ok());
  EXPECT_EQ(FaultReason(Get(id).status()), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(FaultReason(Delete(id)), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(SessionStoreTest, ItExpiresSoLongAfterTheLastTurn) {
  const std::string id = NewId();
  Pass(absl::Minutes(59));
  ASSERT_TRUE(Converse(id, "one", "1").ok());
  EXPECT_EQ(ExpireTime(id), time_.WallTime() + absl::Hours(1));
  Pass(absl::Minutes(59));
  EXPECT_THAT(Texts(id), ElementsAre("one", "1"));
  // To be read was no use.
  Pass(absl::Minutes(2));
  EXPECT_EQ(FaultReason(Get(id).status()), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(SessionStoreTest, ATurnOutlastsTheTimeThatWasLeft) {
  const std::string id = NewId();
  Pass(absl::Minutes(59));
  const absl::StatusOr<Turn> turn =
      Begin(here_, id, {.until = time_.WallTime() + absl::Minutes(10)});
  ASSERT_TRUE(turn.ok());
  Pass(absl::Minutes(9));
  ASSERT_TRUE(SayTo(**turn, "one").ok());
  EXPECT_TRUE(End(**turn, "1").ok());
  EXPECT_THAT(Texts(id), ElementsAre("one", "1"));
}

TEST_F(SessionStoreTest, WhereThereIsTimeATurnIsOneChange) {
  const std::string id = NewId();
  records_.puts = 0;
  const absl::StatusOr<Turn> turn =
      Begin(here_, id, {.until = time_.WallTime() + absl::Minutes(10)});
  ASSERT_TRUE(turn.ok());
  ASSERT_TRUE(SayTo(**turn, "one").ok());
  ASSERT_TRUE(End(**turn, "1").ok());
  EXPECT_EQ(records_.puts, 1);
}

TEST_F(SessionStoreTest, ASecondTurnIsRefusedWhileOneIsUnderWay) {
  const std::string id = NewId();
  {
    const absl::StatusOr<Turn> turn = Begin(here_, id);
    ASSERT_TRUE(turn.ok());
    const absl::Status refused = Begin(here_, id).status();
    EXPECT_TRUE(absl::IsAborted(refused)) << refused;
    EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CONFLICT);
    // It may be read, and others be gone on with.
    EXPECT_TRUE(Begin(here_, id, {.only_reads = true}).ok());
    EXPECT_TRUE(Begin(here_, NewId()).ok());
  }
  EXPECT_TRUE(Begin(here_, id).ok());
}

TEST_F(SessionStoreTest, OfTwoGatewaysTheOneThatEndsLastAddsNothing) {
  const std::string id = NewId();
  const absl::StatusOr<Turn> mine = Begin(here_, id);
  const absl::StatusOr<Turn> theirs = Begin(there_, id);
  ASSERT_TRUE(mine.ok() && theirs.ok());
  ASSERT_TRUE(SayTo(**mine, "mine").ok());
  ASSERT_TRUE(SayTo(**theirs, "theirs").ok());
  ASSERT_TRUE(End(**theirs, "2").ok());
  EXPECT_EQ(FaultReason(End(**mine, "1")), v1::ERROR_REASON_CONFLICT);
  EXPECT_THAT(Texts(id), ElementsAre("theirs", "2"));
}

TEST_F(SessionStoreTest, WhatWasDeletedDuringATurnDoesNotComeBack) {
  const std::string id = NewId();
  const absl::StatusOr<Turn> turn = Begin(here_, id);
  ASSERT_TRUE(turn.ok());
  ASSERT_TRUE(Delete(id).ok());
  ASSERT_TRUE(SayTo(**turn, "one").ok());
  EXPECT_EQ(FaultReason(End(**turn, "1")), v1::ERROR_REASON_CONFLICT);
  EXPECT_EQ(FaultReason(Get(id).status()), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(SessionStoreTest, OneCallerLeavesOthersTheirPart) {
  limits_.sessions = 8;
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(Create().ok());
  const absl::Status refused = Create().status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_SESSION_LIMITED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "sessions.sessions_limit");
  EXPECT_THAT(std::string(refused.message()),
              testing::HasSubstr("for callers who have fewer"));
  EXPECT_TRUE(Create({}, "another").ok());
}

TEST_F(SessionStoreTest, TheSharesOfBeforeAreKnownWhenTheyAreLoaded) {
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

TEST_F(SessionStoreTest, AStoreThatCountsOwnersDecides) {
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

TEST_F(SessionStoreTest, OneCallerLeavesOthersTheirBytes) {
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

TEST_F(SessionStoreTest, AnAnswerForWhichThereAreNoBytesIsNotKept) {
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

TEST_F(SessionStoreTest, ThoseWhoOpenAtOnceExceedNoLimitTogether) {
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

TEST_F(SessionStoreTest, WhatCouldNotBeKeptTakesNoBytes) {
  limits_.size_bytes = 8'000;
  records_.broken = absl::ResourceExhaustedError("the disk is full");
  EXPECT_EQ(FaultReason(Create(WithContextOf(5'000)).status()),
            v1::ERROR_REASON_STORE_UNAVAILABLE);
  records_.broken = absl::OkStatus();
  EXPECT_TRUE(Create(WithContextOf(5'000)).ok());
}

TEST_F(SessionStoreTest, WhatMayBeKeptOfACallerWhoHasGoneTakesItsBytes) {
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

TEST_F(SessionStoreTest, ThereAreNoMoreThanTheLimit) {
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

TEST_F(SessionStoreTest, SessionsThatHaveExpiredMakeRoom) {
  limits_.sessions = 1;
  ASSERT_TRUE(Create().ok());
  EXPECT_FALSE(Create().ok());
  Pass(absl::Hours(1) + absl::Seconds(1));
  EXPECT_TRUE(Create().ok());
}

TEST_F(SessionStoreTest, ThoseOfBeforeAndOfOthersCount) {
  ASSERT_TRUE(Create().ok());
  limits_.sessions = 2;
  const v1::CreateSessionRequest request;
  ASSERT_TRUE(runner_.Run(there_.Create(limits_, "bob", request, never_)).ok());
  EXPECT_FALSE(
      runner_.Run(there_.Create(limits_, "bob", request, never_)).ok());
}

TEST_F(SessionStoreTest, WhatCouldNotBeKeptDoesNotCount) {
  limits_.sessions = 1;
  records_.broken = absl::UnavailableError("the disk is gone");
  EXPECT_EQ(FaultReason(Create().status()), v1::ERROR_REASON_STORE_UNAVAILABLE);
  records_.broken = absl::OkStatus();
  EXPECT_TRUE(Create().ok());
}

TEST_F(SessionStoreTest, ASessionHasNoMoreMessagesThanTheLimit) {
  limits_.messages = 4;
  const std::string id = NewId();
  ASSERT_TRUE(Converse(id, "one", "1").ok());
  ASSERT_TRUE(Converse(id, "two", "2").ok());
  const absl::Status refused = Converse(id, "three", "3");
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_SESSION_LIMITED);
  EXPECT_EQ(FaultMetadata(refused, "limit"), "sessions.messages_limit");
  EXPECT_THAT(Texts(id), ElementsAre("one", "1", "two", "2"));
}

TEST_F(SessionStoreTest, ASessionIsNoLargerThanTheLimit) {
  limits_.session_bytes = 2048;
  const std::string id = NewId();
  ASSERT_TRUE(Converse(id, "one", std::string(1000, 'a')).ok());
  // What is asked leaves no room for an answer.
  EXPECT_EQ(FaultReason(Converse(id, std::string(1000, 'q'), "1")),
            v1::ERROR_REASON_SESSION_LIMITED);
  // The answer is too large.
  const absl::Status refused = Converse(id, "two", std::string(1000, 'a'));
  EXPECT_EQ(FaultMetadata(refused, "limit"), "sessions.session_bytes_limit");
  EXPECT_TRUE(Converse(id, "two", std::string(500, 'a')).ok());
}

TEST_F(SessionStoreTest, AContextIsNoLargerThanASession) {
  limits_.session_bytes = 1024;
  const absl::Status refused = Create(WithContextOf(1024)).status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(FieldViolations(refused)[0].first, "context");
}

TEST_F(SessionStoreTest, ABrokenStoreIsTold) {
  const std::string id = NewId();
  const absl::StatusOr<Turn> turn = Begin(here_, id);
  ASSERT_TRUE(turn.ok());
  ASSERT_TRUE(SayTo(**turn, "one").ok());
  records_.broken = absl::UnavailableError("the disk is gone");
  EXPECT_EQ(FaultReason(End(**turn, "1")), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(FaultReason(Get(id).status()), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(FaultReason(Begin(there_, id).status()),
            v1::ERROR_REASON_STORE_UNAVAILABLE);
}

TEST_F(SessionStoreTest, ADamagedRecordIsToldAndNotTakenForASession) {
  const std::string id = NewId();
  const PutOptions anyhow;
  ASSERT_TRUE(runner_
                  .Run(records_.Put(SessionStore::kCollection, id, "\xff\xff",
                                    anyhow, never_))
                  .ok());
  EXPECT_EQ(FaultReason(Get(id).status()), v1::ERROR_REASON_STORE_UNAVAILABLE);
}

TEST_F(SessionStoreTest, WhoHasLeftIsToldSo) {
  const std::string id = NewId();
  CancelSignal gone;
  gone.Cancel(absl::CancelledError("left"));
  EXPECT_TRUE(
      absl::IsCancelled(runner_.Run(here_.Get("alice", id, gone)).status()));
}

TEST(SessionLimitsTest, AreThoseOfTheConfiguration) {
  llmgateway::config::v1::SessionsConfig config;
  *config.mutable_ttl() = ToProto(absl::Minutes(3));
  config.set_sessions_limit(4);
  config.set_messages_limit(5);
  config.set_session_bytes_limit(6);
  config.set_size_bytes_limit(7);
  const SessionLimits limits = SessionLimits::Of(config);
  EXPECT_EQ(limits.ttl, absl::Minutes(3));
  EXPECT_EQ(limits.sessions, 4);
  EXPECT_EQ(limits.messages, 5);
  EXPECT_EQ(limits.session_bytes, 6);
  EXPECT_EQ(limits.size_bytes, 7);
}

// That a store in memory then lets go of what has expired, its own tests show.
TEST_F(SessionStoreTest, AStoreInMemoryIsHadToFreeWhatHasExpired) {
  SessionStore in_memory(records_, time_, random_, /*in_memory=*/true);
  runner_.Run(here_.FreeExpired(never_));
  EXPECT_EQ(records_.counts, 0);
  runner_.Run(in_memory.FreeExpired(never_));
  EXPECT_EQ(records_.counts, 1);
}

}  // namespace
}  // namespace gateway
