#include "service/ledger/postgres_seen_join.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/file.h"
#include "base/postgres/postgres_connection.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/postgres_ledger.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kSeenTimeout = absl::Seconds(20);

class SeenJoinTest : public testing::Test {
 protected:
  SeenJoinTest()
      : ledger_({.connection = {.conninfo = server_.conninfo()},
                 .schema = "a",
                 .timeout = kSeenTimeout}),
        path_(absl::StrCat(testing::TempDir(), "/seen-", getpid())) {
    EXPECT_TRUE(ledger_.Prepare().ok());
    db_ = *ledger_.Connect(kSeenTimeout);
    std::filesystem::remove(path_);
  }

  void AddJoin(int number) {
    server_.Ask(
        absl::StrCat("INSERT INTO a.joins (number, time, text, hash) VALUES (",
                     number, ", now(), '', repeat('", number % 10, "', 64))"));
  }

  // As a gateway that has begun anew.
  absl::Status Compare() { return SeenJoin(path_).Compare(*db_, kSeenTimeout); }

  PostgresServer server_;
  PostgresLedger ledger_;
  std::string path_;
  std::unique_ptr<PostgresConnection> db_;
};

TEST_F(SeenJoinTest, WhatWasSeenMustStayAsItWas) {
  EXPECT_TRUE(Compare().ok());
  EXPECT_FALSE(std::filesystem::exists(path_)) << "there is nothing yet";
  for (const int number : {1, 2}) {
    AddJoin(number);
    EXPECT_TRUE(Compare().ok());
  }
  // One that is removed in the midst is for verification to find.
  server_.Ask("DELETE FROM a.joins WHERE number = 1");
  EXPECT_TRUE(Compare().ok());
  server_.Ask("DELETE FROM a.joins");
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = Compare();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(
        std::string(status.message()),
        testing::AllOf(HasSubstr("the join 2"), HasSubstr(std::string(64, '2')),
                       HasSubstr(path_)));
  }
  // Others begin anew.
  AddJoin(1);
  EXPECT_TRUE(absl::IsDataLoss(Compare()));
  std::filesystem::remove(path_);
  EXPECT_TRUE(Compare().ok());
}

TEST_F(SeenJoinTest, AnotherHashIsAnotherJoin) {
  AddJoin(7);
  EXPECT_TRUE(Compare().ok());
  server_.Ask("UPDATE a.joins SET hash = repeat('0', 64)");
  EXPECT_TRUE(absl::IsDataLoss(Compare()));
}

TEST_F(SeenJoinTest, AFileThatIsNotItsOwnIsNamed) {
  ASSERT_TRUE(ReplaceFile(path_, "7\n").ok());
  const absl::Status status = Compare();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
}

}  // namespace
}  // namespace gateway
