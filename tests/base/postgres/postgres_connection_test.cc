#include "base/postgres/postgres_connection.h"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/postgres/postgres_variable.h"
#include "tests/testing/postgres_server.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_certificates.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kLong = absl::Seconds(20);
constexpr absl::Duration kShort = absl::Milliseconds(50);

class PostgresConnectionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new PostgresServer(); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  static std::unique_ptr<PostgresConnection> Connect() {
    auto db =
        PostgresConnection::Connect({.conninfo = server_->conninfo()}, kLong);
    EXPECT_TRUE(db.ok()) << db.status();
    return *std::move(db);
  }

  static PostgresServer* server_;
};

PostgresServer* PostgresConnectionTest::server_ = nullptr;

TEST_F(PostgresConnectionTest, ValuesComeBackAsTheyWere) {
  const auto db = Connect();
  const std::string bytes("a\0\n\xff", 4);
  for (const int64_t number :
       {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{1} << 62,
        std::numeric_limits<int64_t>::min()}) {
    const auto found = db->Run(
        "SELECT $1::bigint, $2::text, $3::bytea, true, NULL::text, "
        "(-7)::int",
        PostgresParameters().Int64(number).Text("gruen").Bytes(bytes), kLong);
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(found->rows(), 1);
    EXPECT_EQ(found->Int64(0, 0), number);
    EXPECT_EQ(found->Bytes(0, 1), "gruen");
    EXPECT_EQ(found->Bytes(0, 2), bytes);
    EXPECT_EQ(found->Int64(0, 3), 1);
    EXPECT_TRUE(found->IsNull(0, 4));
    EXPECT_EQ(found->Int64(0, 5), -7);
  }
}

TEST_F(PostgresConnectionTest, TheWayIsKnownWhereverLibpqHasItFrom) {
  // No address of this machine's own, and yet it leads here.
  const std::string elsewhere = "0.0.0.0";
  const std::string rest =
      absl::StrReplaceAll(server_->conninfo(), {{"host=127.0.0.1 ", ""}});
  ASSERT_EQ(rest.find("host"), std::string::npos);
  const auto trust = [](const std::string& conninfo) {
    const auto db = PostgresConnection::Connect({.conninfo = conninfo}, kLong);
    EXPECT_TRUE(db.ok()) << db.status();
    return db.ok() ? (*db)->trust() : ServerTrust::kVerified;
  };
  EXPECT_EQ(trust(server_->conninfo()), ServerTrust::kVerified);
  EXPECT_EQ(trust("host=" + elsewhere + " " + rest), ServerTrust::kInClear);
  {
    const PostgresVariable host("PGHOST", elsewhere);
    EXPECT_EQ(trust(rest), ServerTrust::kInClear);
  }
  {
    const PostgresVariable address("PGHOSTADDR", elsewhere);
    EXPECT_EQ(trust("host=localhost " + rest), ServerTrust::kInClear);
  }
  const std::string file = testing::TempDir() + "/services.conf";
  std::ofstream(file) << "[ledger]\nhost=" << elsewhere << "\n";
  const PostgresVariable services("PGSERVICEFILE", file);
  EXPECT_EQ(trust("service=ledger " + rest), ServerTrust::kInClear);
  const PostgresVariable service("PGSERVICE", "ledger");
  EXPECT_EQ(trust(rest), ServerTrust::kInClear);
}

// Has the server write a file of its own: it may be another user than this.
void CopyToServer(PostgresServer& server, const std::string& from,
                  const std::string& to) {
  std::ifstream file(from);
  const std::string text((std::istreambuf_iterator<char>(file)),
                         std::istreambuf_iterator<char>());
  EXPECT_EQ(server.Ask(absl::StrCat(
                "COPY (SELECT unnest(string_to_array('", text,
                "', E'\n'))) TO PROGRAM 'umask 077; cat >", to, "'")),
            "");
}

TEST_F(PostgresConnectionTest, ACertificateIsCheckedByTheMachinesAuthorities) {
  const TestCertificates certificates;
  CopyToServer(*server_, certificates.good().chain_file, "server.crt");
  CopyToServer(*server_, certificates.good().key_file, "server.key");
  server_->Ask("ALTER SYSTEM SET ssl = on");
  server_->Ask("SELECT pg_reload_conf()");
  server_->AskUntil("SHOW ssl", "on");
  const PostgresVariable home("HOME", "/nonexistent");
  const std::string checked = server_->conninfo() + " sslmode=verify-full";
  EXPECT_THAT(std::string(PostgresConnection::Connect({.conninfo = checked},
                                                      kLong)
                              .status()
                              .message()),
              HasSubstr("certificate verify failed"));
  const PostgresVariable roots("SSL_CERT_FILE", certificates.ca_file());
  for (const char* const by : {"", " sslrootcert=system"}) {
    const auto db =
        PostgresConnection::Connect({.conninfo = checked + by}, kLong);
    EXPECT_TRUE(db.ok()) << by << ": " << db.status();
  }
  server_->Ask("ALTER SYSTEM RESET ssl");
  server_->Ask("SELECT pg_reload_conf()");
  server_->AskUntil("SHOW ssl", "off");
}

TEST_F(PostgresConnectionTest, AnEmptyByteaIsNoNull) {
  const auto found = Connect()->Run("SELECT $1::bytea IS NULL",
                                    PostgresParameters().Bytes({}), kLong);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->Int64(0, 0), 0);
}

TEST_F(PostgresConnectionTest, AStatementThatFailsLeavesTheSession) {
  const auto db = Connect();
  const auto failed =
      db->Run("SELECT 1 / $1::int", PostgresParameters().Int64(0), kLong);
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(failed.status().message()),
              HasSubstr("division by zero (SQLSTATE 22012)"));
  EXPECT_FALSE(db->is_broken());
  EXPECT_TRUE(db->Execute("SELECT 1", kLong).ok());
}

TEST_F(PostgresConnectionTest, OneThatCannotBePreparedLeavesTheNextItsName) {
  const auto db = Connect();
  static constexpr char kFirst[] = "SELECT * FROM nowhere";
  EXPECT_FALSE(db->Run(kFirst, {}, kLong).ok());
  static constexpr char kSecond[] = "SELECT 2";
  ASSERT_TRUE(db->Run(kSecond, {}, kLong).ok());
  ASSERT_TRUE(
      db->Execute("CREATE TEMP TABLE nowhere AS SELECT 3 AS x", kLong).ok());
  const auto found = db->Run(kFirst, {}, kLong);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->Int64(0, 0), 3);
  EXPECT_EQ(db->Run(kSecond, {}, kLong)->Int64(0, 0), 2);
}

TEST_F(PostgresConnectionTest, OneThatTakesTooLongBreaksTheConnection) {
  const auto db = Connect();
  const absl::Status late = db->Execute("SELECT pg_sleep(60)", kShort);
  EXPECT_EQ(late.code(), absl::StatusCode::kUnavailable) << late;
  EXPECT_TRUE(db->is_broken());
}

TEST_F(PostgresConnectionTest, ASessionThatIsEndedIsUnavailable) {
  const auto db = Connect();
  server_->Ask(
      absl::StrCat("SELECT pg_terminate_backend(", db->backend_pid(), ")"));
  const absl::Status ended = db->Execute("SELECT 1", kLong);
  EXPECT_EQ(ended.code(), absl::StatusCode::kUnavailable) << ended;
  EXPECT_TRUE(db->is_broken());
}

TEST_F(PostgresConnectionTest, CodesTellWhatMayBeTriedAgain) {
  const auto db = Connect();
  ASSERT_TRUE(db->Execute("CREATE TEMP TABLE one (id int PRIMARY KEY); "
                          "INSERT INTO one VALUES (1)",
                          kLong)
                  .ok());
  EXPECT_TRUE(
      absl::IsAlreadyExists(db->Execute("INSERT INTO one VALUES (1)", kLong)));
  ASSERT_TRUE(
      db->Execute("SET default_transaction_read_only = on", kLong).ok());
  EXPECT_TRUE(
      absl::IsUnavailable(db->Execute("CREATE TABLE another (id int)", kLong)));
}

TEST_F(PostgresConnectionTest, AWrongPasswordIsRefusedAndNotRepeated) {
  const std::string where = absl::StrCat(
      "host=127.0.0.1 port=", server_->port(), " dbname=postgres user=reader");
  const auto right = PostgresConnection::Connect(
      {.conninfo = where, .password = Secret("open-sesame")}, kLong);
  EXPECT_TRUE(right.ok()) << right.status();
  const auto wrong = PostgresConnection::Connect(
      {.conninfo = where, .password = Secret("gateway-reader")}, kLong);
  EXPECT_TRUE(absl::IsPermissionDenied(wrong.status())) << wrong.status();
  EXPECT_THAT(std::string(wrong.status().message()),
              Not(HasSubstr("gateway-reader")));
}

TEST_F(PostgresConnectionTest, WhereNobodyListensIsUnavailable) {
  const uint16_t port = RawListener().port();
  const auto db = PostgresConnection::Connect(
      {.conninfo = absl::StrCat("host=127.0.0.1 port=", port)}, kLong);
  EXPECT_TRUE(absl::IsUnavailable(db.status())) << db.status();
  EXPECT_THAT(std::string(db.status().message()),
              HasSubstr(absl::StrCat("127.0.0.1:", port)));
}

TEST_F(PostgresConnectionTest, AHostThatSaysNothingLeavesTimeForTheNext) {
  const RawListener silent;
  const auto db = PostgresConnection::Connect(
      {.conninfo =
           absl::StrCat("host=127.0.0.1,127.0.0.1 port=", silent.port(), ",",
                        server_->port(), " dbname=postgres user=gateway")},
      absl::Seconds(2));
  ASSERT_TRUE(db.ok()) << db.status();
  EXPECT_TRUE((*db)->Execute("SELECT 1", kLong).ok());
}

TEST_F(PostgresConnectionTest, WhoAcceptsAndSaysNothingIsUnavailable) {
  const RawListener silent;
  const auto db = PostgresConnection::Connect(
      {.conninfo = absl::StrCat("host=127.0.0.1 port=", silent.port())},
      kShort);
  EXPECT_TRUE(absl::IsUnavailable(db.status())) << db.status();
}

}  // namespace
}  // namespace gateway
