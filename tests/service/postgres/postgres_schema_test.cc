#include "service/postgres/postgres_schema.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/os/thread.h"
#include "base/postgres/postgres_connection.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/postgres/postgres_database.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kSchemaTimeout = absl::Seconds(20);
constexpr const char* kSteps[] = {
    "CREATE TABLE things_version (version bigint NOT NULL); "
    "INSERT INTO things_version VALUES (0); CREATE TABLE things (a int); ",
    "ALTER TABLE things ADD COLUMN b int NOT NULL DEFAULT 7; "};

PostgresSchema Things(size_t steps) {
  return {.contents = "things",
          .version_table = "things_version",
          .read_version = "SELECT version FROM things_version",
          .migrations = absl::MakeConstSpan(kSteps, steps)};
}

class PostgresSchemaTest : public testing::Test {
 protected:
  std::unique_ptr<PostgresConnection> Connect(const std::string& conninfo) {
    auto db = ConnectTo({.connection = {.conninfo = conninfo,
                                        .password = Secret("open-sesame")},
                         .schema = "a",
                         .timeout = kSchemaTimeout},
                        "llm-gateway test", kSchemaTimeout);
    EXPECT_TRUE(db.ok()) << db.status();
    return *std::move(db);
  }
  absl::Status Prepare(size_t steps) {
    return PreparePostgresTables(*Connect(server_.conninfo()), "a",
                                 Things(steps), kSchemaTimeout);
  }
  absl::Status Check(size_t steps) {
    return CheckPostgresTables(*Connect(server_.conninfo()), "a", Things(steps),
                               kSchemaTimeout);
  }

  PostgresServer server_;
};

TEST_F(PostgresSchemaTest, ThoseWhoBeginTogetherMakeThemOnce) {
  std::vector<Thread> replicas;
  for (int i = 0; i < 8; ++i) {
    replicas.emplace_back("replica", [&] {
      const absl::Status prepared = Prepare(2);
      EXPECT_TRUE(prepared.ok()) << prepared;
    });
  }
  for (Thread& replica : replicas) replica.Join();
  EXPECT_EQ(server_.Ask("SELECT version FROM a.things_version"), "2");
}

TEST_F(PostgresSchemaTest, ThoseOfAnEarlierVersionAreBroughtToTheLast) {
  EXPECT_TRUE(absl::IsNotFound(Check(2)));
  ASSERT_TRUE(Prepare(1).ok());
  server_.Ask("INSERT INTO a.things VALUES (1)");
  const absl::Status before = Check(2);
  EXPECT_TRUE(absl::IsFailedPrecondition(before)) << before;
  EXPECT_THAT(std::string(before.message()),
              HasSubstr("things in the schema a are of an earlier version, 1"));
  ASSERT_TRUE(Prepare(2).ok());
  EXPECT_TRUE(Check(2).ok());
  EXPECT_EQ(server_.Ask("SELECT a, b FROM a.things"), "1|7");
}

TEST_F(PostgresSchemaTest, OfALaterVersionTheyAreLeftAlone) {
  ASSERT_TRUE(Prepare(2).ok());
  for (const absl::Status& status : {Prepare(1), Check(1)}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("of version 2"));
  }
}

TEST_F(PostgresSchemaTest, AStepThatFailsLeavesNothing) {
  const char* const steps[] = {kSteps[0], "CREATE TABLE things (a int); "};
  PostgresSchema wrong = Things(2);
  wrong.migrations = steps;
  const auto db = Connect(server_.conninfo());
  EXPECT_FALSE(PreparePostgresTables(*db, "a", wrong, kSchemaTimeout).ok());
  EXPECT_TRUE(absl::IsNotFound(Check(2)));
  // And the session goes on.
  EXPECT_TRUE(PreparePostgresTables(*db, "a", Things(2), kSchemaTimeout).ok());
}

TEST_F(PostgresSchemaTest, WhoMayMakeNoneUsesThoseThatAreThere) {
  const auto reader = Connect(absl::StrCat(
      "host=127.0.0.1 port=", server_.port(), " dbname=postgres user=reader"));
  const auto prepare = [&] {
    return PreparePostgresTables(*reader, "a", Things(2), kSchemaTimeout);
  };
  EXPECT_TRUE(absl::IsPermissionDenied(prepare()));
  ASSERT_TRUE(Prepare(2).ok());
  server_.Ask(
      "GRANT USAGE ON SCHEMA a TO reader; "
      "GRANT SELECT ON ALL TABLES IN SCHEMA a TO reader");
  EXPECT_TRUE(prepare().ok());
}

}  // namespace
}  // namespace gateway
