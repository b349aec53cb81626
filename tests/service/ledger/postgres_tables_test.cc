#include "service/ledger/postgres_tables.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/postgres_ledger.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kTablesTimeout = absl::Seconds(20);

class PostgresTablesTest : public testing::Test {
 protected:
  PostgresLedger::Options Options(const std::string& schema) {
    return {.connection = {.conninfo = server_.conninfo()},
            .schema = schema,
            .timeout = kTablesTimeout};
  }

  PostgresServer server_;
};

TEST_F(PostgresTablesTest, ReplicasThatBeginTogetherMakeThemOnce) {
  std::vector<Thread> replicas;
  for (int i = 0; i < 8; ++i) {
    replicas.emplace_back("replica", [&] {
      const absl::Status prepared = PostgresLedger(Options("a")).Prepare();
      EXPECT_TRUE(prepared.ok()) << prepared;
    });
  }
  for (Thread& replica : replicas) replica.Join();
  EXPECT_EQ(server_.Ask("SELECT version FROM a.version"), "2");
}

TEST_F(PostgresTablesTest, OfALaterVersionTheyAreLeftAlone) {
  PostgresLedger ledger(Options("a"));
  EXPECT_TRUE(absl::IsNotFound(ledger.CheckVersion()));
  ASSERT_TRUE(ledger.Prepare().ok());
  EXPECT_TRUE(ledger.CheckVersion().ok());
  server_.Ask("UPDATE a.version SET version = 7");
  for (const absl::Status& status : {ledger.Prepare(), ledger.CheckVersion()}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("of version 7"));
  }
}

TEST_F(PostgresTablesTest, ThoseOfAnEarlierVersionAreBroughtToThisOne) {
  PostgresLedger ledger(Options("a"));
  ASSERT_TRUE(ledger.Prepare().ok());
  // What version 1 had.
  server_.Ask(
      "DROP TABLE a.archives; ALTER TABLE a.chains DROP COLUMN claim; UPDATE "
      "a.version SET version = 1; "
      "INSERT INTO a.chains (chain, commits, entries, last_hash) "
      "VALUES (1, 0, 0, '')");
  const absl::Status before = ledger.CheckVersion();
  EXPECT_TRUE(absl::IsFailedPrecondition(before)) << before;
  EXPECT_THAT(std::string(before.message()), HasSubstr("earlier version, 1"));
  const absl::Status prepared = ledger.Prepare();
  ASSERT_TRUE(prepared.ok()) << prepared;
  EXPECT_TRUE(ledger.CheckVersion().ok());
  EXPECT_EQ(server_.Ask("SELECT version FROM a.version"), "2");
  EXPECT_EQ(server_.Ask("SELECT count(*) FROM a.chains"), "1");
  EXPECT_TRUE(ledger.Archives()->empty());
  EXPECT_EQ(*ledger.Archived(1), LedgerEnd());
}

TEST_F(PostgresTablesTest, WhoMayMakeNoneUsesThoseThatAreThere) {
  PostgresLedger::Options options = Options("a");
  options.connection = {
      .conninfo = absl::StrCat("host=127.0.0.1 port=", server_.port(),
                               " dbname=postgres user=reader"),
      .password = Secret("open-sesame")};
  EXPECT_TRUE(absl::IsPermissionDenied(PostgresLedger(options).Prepare()));
  ASSERT_TRUE(PostgresLedger(Options("a")).Prepare().ok());
  server_.Ask(
      "GRANT USAGE ON SCHEMA a TO reader; "
      "GRANT SELECT ON ALL TABLES IN SCHEMA a TO reader");
  const absl::Status prepared = PostgresLedger(options).Prepare();
  EXPECT_TRUE(prepared.ok()) << prepared;
}

TEST_F(PostgresTablesTest, APartitionIsMadeOnce) {
  const PostgresLedger ledger(Options("a"));
  ASSERT_TRUE(PostgresLedger(Options("a")).Prepare().ok());
  const absl::Time december = absl::FromCivil(
      absl::CivilSecond(2026, 12, 31, 23, 59, 59), absl::UTCTimeZone());
  std::vector<Thread> replicas;
  for (int i = 0; i < 8; ++i) {
    replicas.emplace_back("replica", [&] {
      const auto db = ledger.Connect(kTablesTimeout);
      ASSERT_TRUE(db.ok()) << db.status();
      const absl::Status made = MakePartition(**db, december, kTablesTimeout);
      EXPECT_TRUE(made.ok()) << made;
    });
  }
  for (Thread& replica : replicas) replica.Join();
  EXPECT_EQ(PartitionOf(december), "commits_2026_12");
  EXPECT_EQ(server_.Ask("SELECT pg_get_expr(relpartbound, oid) FROM pg_class "
                        "WHERE relname = 'commits_2026_12'"),
            "FOR VALUES FROM ('2026-12-01 00:00:00+00') TO "
            "('2027-01-01 00:00:00+00')");
}

}  // namespace
}  // namespace gateway
