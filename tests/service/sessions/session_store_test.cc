#include "service/sessions/session_store.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/proto_time.h"
#include "service/store/memory_record_store.h"
#include "tests/service/sessions/session_store_case.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

using SessionStoreTest = SessionStoreCase;

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
