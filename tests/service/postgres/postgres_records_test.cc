#include "service/postgres/postgres_records.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/postgres/postgres_database.h"
#include "service/store/record_store.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

constexpr char kEndSessions[] =
    "SELECT count(pg_terminate_backend(pid, 20000)) FROM pg_stat_activity "
    "WHERE application_name = 'llm-gateway records'";

class PostgresRecordsTest : public testing::Test {
 protected:
  PostgresDatabase Database() {
    return {.connection = {.conninfo = server_.conninfo()},
            .schema = "ours",
            .timeout = absl::Seconds(20)};
  }
  absl::StatusOr<int64_t> Put(const std::string& key,
                              const std::string& value) {
    return records_.Put("things", key, value, std::nullopt,
                        absl::InfiniteFuture());
  }
  absl::Status Since(int64_t sequence) {
    return records_.ChangesSince("things", sequence, 10).status();
  }

  PostgresServer server_;
  PostgresRecords records_{Database()};
};

TEST_F(PostgresRecordsTest, ALostSessionIsMadeAnewAndNothingIsLost) {
  ASSERT_TRUE(Put("a", "1").ok());
  EXPECT_EQ(server_.Ask(kEndSessions), "1");
  EXPECT_EQ(*Put("a", "2"), 2);
  EXPECT_EQ(server_.Ask(kEndSessions), "1");
  EXPECT_EQ((*records_.Get("things", "a"))->value, "2");
}

TEST_F(PostgresRecordsTest, WhoEndsMakesNoSession) {
  ASSERT_TRUE(Put("a", "1").ok());
  records_.End();
  // What has one may go on.
  EXPECT_EQ(*Put("a", "2"), 2);
  server_.Ask(kEndSessions);
  EXPECT_TRUE(absl::IsUnavailable(Put("a", "3").status()));
  EXPECT_EQ(server_.Ask("SELECT count(*) FROM pg_stat_activity WHERE "
                        "application_name = 'llm-gateway records'"),
            "0");
}

// The server may be another one, which had not heard of all.
TEST_F(PostgresRecordsTest, WhoFollowsBeginsAnewWithEachSession) {
  ASSERT_TRUE(Put("a", "1").ok());
  const int64_t known = records_.List("things", "", 10)->sequence;
  EXPECT_TRUE(Since(known).ok());
  server_.Ask(kEndSessions);
  EXPECT_TRUE(absl::IsOutOfRange(Since(known)));
  const int64_t anew = records_.List("things", "", 10)->sequence;
  EXPECT_GT(anew, known);
  EXPECT_TRUE(Since(anew).ok());
  EXPECT_EQ(records_.ChangesSince("things", 0, 10)->changes.size(), 1U);
}

TEST_F(PostgresRecordsTest, ACollectionThatWasMadeAnewIsNoticed) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Put(absl::StrCat(i), "v").ok());
  const int64_t known = records_.List("things", "", 10)->sequence;
  server_.Ask("TRUNCATE ours.records, ours.record_collections");
  EXPECT_TRUE(absl::IsOutOfRange(Since(known)));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Put(absl::StrCat(i), "w").ok());
    EXPECT_TRUE(absl::IsOutOfRange(Since(known)));
  }
}

TEST_F(PostgresRecordsTest, TablesThatWereRemovedAreMadeAgain) {
  ASSERT_TRUE(Put("a", "1").ok());
  server_.Ask("DROP SCHEMA ours CASCADE");
  EXPECT_FALSE(Put("a", "2").ok());
  EXPECT_EQ(*Put("a", "3"), 1);
}

TEST_F(PostgresRecordsTest, ADatabaseThatIsAwayIsAskedAgain) {
  ASSERT_TRUE(Put("a", "1").ok());
  server_.Kill();
  EXPECT_TRUE(absl::IsUnavailable(Put("a", "2").status()));
  EXPECT_TRUE(absl::IsUnavailable(records_.Get("things", "a").status()));
  server_.Restart();
  EXPECT_EQ((*records_.Get("things", "a"))->value, "1");
  EXPECT_EQ(*Put("a", "2"), 2);
}

TEST_F(PostgresRecordsTest, WhatIsRefusedHoldsNobodyUp) {
  ASSERT_TRUE(Put("a", "1").ok());
  EXPECT_TRUE(absl::IsAborted(
      records_.Put("things", "a", "2", 7, absl::InfiniteFuture()).status()));
  EXPECT_FALSE(*records_.Delete("things", "none", std::nullopt));
  PostgresRecords other{Database()};
  EXPECT_EQ(*other.Put("things", "a", "3", 1, absl::InfiniteFuture()), 2);
}

TEST_F(PostgresRecordsTest, WhatIsGoneForLongIsRemoved) {
  ASSERT_TRUE(Put("gone", "1").ok());
  ASSERT_TRUE(*records_.Delete("things", "gone", std::nullopt));
  ASSERT_TRUE(records_
                  .Put("things", "past", "1", std::nullopt,
                       absl::UnixEpoch() + absl::Hours(1))
                  .ok());
  ASSERT_TRUE(Put("stays", "1").ok());
  EXPECT_EQ(server_.Ask("SELECT count(*) FROM ours.records"), "3");
  server_.Ask(absl::StrCat("UPDATE ours.record_collections SET sequence = ",
                           kRecordChangesKept + 10));
  ASSERT_TRUE(Put("last", "1").ok());
  EXPECT_EQ(server_.Ask("SELECT encode(key, 'escape') FROM ours.records "
                        "ORDER BY key"),
            "last\nstays");
}

TEST_F(PostgresRecordsTest, WhatALaterGatewayHasMadeIsLeftAlone) {
  ASSERT_TRUE(Put("a", "1").ok());
  server_.Ask("UPDATE ours.records_version SET version = 7");
  PostgresRecords other{Database()};
  EXPECT_TRUE(absl::IsFailedPrecondition(other.Get("things", "a").status()));
}

}  // namespace
}  // namespace gateway
