#include "service/ledger/postgres_ledger.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class PostgresLedgerTest : public testing::Test {
 protected:
  PostgresLedgerTest()
      : ledger_({.connection = {.conninfo = server_.conninfo()},
                 .schema = "a",
                 .timeout = absl::Seconds(20)}) {
    const absl::Status prepared = ledger_.Prepare();
    EXPECT_TRUE(prepared.ok()) << prepared;
  }

  PostgresServer server_;
  PostgresLedger ledger_;
};

TEST_F(PostgresLedgerTest, WhatIsNotThereIsEmptyOrMissing) {
  EXPECT_TRUE(ledger_.Chains()->empty());
  EXPECT_EQ(*ledger_.LastJoin(), 0);
  EXPECT_EQ(ledger_.LoadCheckpoint(1)->end, LedgerEnd());
  const absl::Status read = ledger_.ReadCommits(
      1, 1, [](const LedgerCommit&) { return absl::OkStatus(); });
  EXPECT_TRUE(absl::IsDataLoss(read)) << read;
  EXPECT_THAT(std::string(read.message()), HasSubstr("chain 1"));
}

TEST_F(PostgresLedgerTest, AReaderOutlastsItsSession) {
  EXPECT_TRUE(ledger_.Chains().ok());
  server_.Kill();
  EXPECT_TRUE(absl::IsUnavailable(ledger_.Chains().status()));
  server_.Restart();
  EXPECT_TRUE(ledger_.Chains().ok());
  server_.Kill();
  server_.Restart();
  EXPECT_TRUE(ledger_.Chains().ok());
}

TEST_F(PostgresLedgerTest, JoinsAreReadInTheirOrder) {
  server_.Ask(
      "INSERT INTO a.joins SELECT n, now(), 'text ' || n, 'hash ' || n "
      "FROM generate_series(1, 600) n");
  EXPECT_EQ(*ledger_.LastJoin(), 600);
  int64_t next = 5;
  const absl::Status read =
      ledger_.ReadJoins(next, [&](const StoredJoin& join) {
        EXPECT_EQ(join.number, next);
        EXPECT_EQ(join.text, absl::StrCat("text ", next));
        EXPECT_EQ(join.hash, absl::StrCat("hash ", next));
        ++next;
        return absl::OkStatus();
      });
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_EQ(next, 601);
}

TEST_F(PostgresLedgerTest, WhatIsCommittedIsOnTheDisk) {
  server_.Ask("ALTER ROLE gateway SET synchronous_commit TO off");
  const auto db = ledger_.Connect(absl::Seconds(20));
  ASSERT_TRUE(db.ok()) << db.status();
  const auto found =
      (*db)->Run("SHOW synchronous_commit", {}, absl::Seconds(20));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->Bytes(0, 0), "on");
}

}  // namespace
}  // namespace gateway
