#include "base/postgres/conninfo.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

TEST(ConninfoTest, ReadsKeywordsAndUrls) {
  for (const char* const text : {"host=db.example dbname=ledger user=gateway",
                                 "postgresql://gateway@db.example/ledger"}) {
    const auto given = ReadConninfo(text);
    ASSERT_TRUE(given.ok()) << given.status();
    EXPECT_THAT(*given, Contains(Pair("host", "db.example")));
    EXPECT_THAT(*given, Contains(Pair("dbname", "ledger")));
    EXPECT_TRUE(CheckConninfo(text).ok());
  }
}

TEST(ConninfoTest, RefusesAPasswordAndDoesNotRepeatIt) {
  for (const char* const text :
       {"host=db password=open-sesame", "postgresql://u:open-sesame@db/ledger",
        "host=db sslpassword=open-sesame"}) {
    const absl::Status status = CheckConninfo(text);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("password"));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("open-sesame")));
  }
}

TEST(ConninfoTest, KnowsWhoMayReadWhatIsSent) {
  for (const char* const text :
       {"host=db.example", "host=db.example sslmode=prefer",
        "host=db.example sslmode=disable",
        "postgresql://gateway@db.example/ledger?sslmode=allow",
        "host=127.0.0.1,db.example", "host=localhost hostaddr=10.0.0.1",
        "host=127.0.0.1.evil.example", "host=localhost.evil.example",
        "host=::1.evil.example", "host=0.0.0.0"}) {
    EXPECT_EQ(ServerTrustOf(text), ServerTrust::kInClear) << text;
  }
  for (const char* const text :
       {"host=db.example sslmode=require",
        "postgresql://gateway@db.example/ledger?sslmode=require"}) {
    EXPECT_EQ(ServerTrustOf(text), ServerTrust::kUnverified) << text;
  }
  for (const char* const text :
       {"dbname=ledger", "host=/run/postgresql", "host=127.0.0.1", "host=::1",
        "host=localhost,127.0.0.2", "sslmode=verify-full host=db.example",
        "host=db.example hostaddr=10.0.0.1 sslmode=verify-ca",
        "host=localhost sslmode=disable",
        "postgresql://db.example/ledger?sslmode=verify-full"}) {
    EXPECT_EQ(ServerTrustOf(text), ServerTrust::kVerified) << text;
  }
}

TEST(ConninfoTest, DoesNotRepeatWhatItCannotRead) {
  for (const char* const text :
       {"open-sesame", "host=db passwort=open-sesame",
        "postgresql://u:open-sesame@[/ledger", "host='db open-sesame"}) {
    const absl::Status status = CheckConninfo(text);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("open-sesame")));
  }
}

}  // namespace
}  // namespace gateway
