#include "service/postgres/postgres_database.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/postgres/postgres_connection.h"
#include "base/secret.h"
#include "gtest/gtest.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

TEST(PostgresDatabaseTest, ASessionHasItsSettingsWhateverTheUsersAre) {
  PostgresServer server;
  server.Ask(
      "ALTER ROLE gateway SET synchronous_commit TO off; "
      "ALTER ROLE gateway SET statement_timeout TO 7; "
      "ALTER ROLE gateway SET default_transaction_isolation TO serializable");
  const PostgresDatabase database = {
      .connection = {.conninfo = server.conninfo()},
      .schema = "ours",
      .timeout = absl::Seconds(20)};
  const auto db = ConnectTo(database, "llm-gateway test", absl::Seconds(20));
  ASSERT_TRUE(db.ok()) << db.status();
  const auto set = (*db)->Run(
      "SELECT concat_ws('|', current_setting('application_name'), "
      "current_setting('search_path'), current_setting('statement_timeout'), "
      "current_setting('lock_timeout'), "
      "current_setting('default_transaction_isolation'), "
      "current_setting('synchronous_commit'))",
      {}, absl::Seconds(20));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(std::string(set->Bytes(0, 0)),
            "llm-gateway test|ours, pg_catalog|0|20s|read committed|on");
}

TEST(PostgresDatabaseTest, EachSessionHasThePasswordOfItsMoment) {
  PostgresServer server;
  server.Ask("ALTER ROLE reader PASSWORD 'one'");
  std::string now = "one";
  const PostgresDatabase database = {
      .connection = {.conninfo =
                         absl::StrCat("host=127.0.0.1 port=", server.port(),
                                      " dbname=postgres user=reader"),
                     .password = Secret("of no use")},
      .password = [&now] { return Secret(now); }};
  const auto connected = [&database] {
    return ConnectTo(database, "llm-gateway test", absl::Seconds(20)).status();
  };
  EXPECT_TRUE(connected().ok()) << connected();
  server.Ask("ALTER ROLE reader PASSWORD 'two'");
  EXPECT_TRUE(absl::IsPermissionDenied(connected())) << connected();
  now = "two";
  EXPECT_TRUE(connected().ok()) << connected();
}

TEST(PostgresDatabaseTest, OneThatIsNotThereIsUnavailable) {
  const PostgresDatabase nowhere = {
      .connection = {.conninfo = "host=/nowhere dbname=ours"}};
  EXPECT_TRUE(absl::IsUnavailable(
      ConnectTo(nowhere, "llm-gateway test", absl::Seconds(20)).status()));
}

}  // namespace
}  // namespace gateway
