#include "clients/cli/ledger_postgres.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/postgres_commit_store.h"
#include "service/ledger/postgres_keeper.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kAnswerMax = absl::Seconds(20);

// A ledger of two replicas, with a join between their calls.
class LedgerPostgresTest : public testing::Test {
 protected:
  LedgerPostgresTest()
      : written_({.connection = {.conninfo = server_.conninfo()},
                  .timeout = kAnswerMax}) {
    EXPECT_TRUE(written_.Prepare().ok());
    const auto one = Start();
    const auto two = Start();
    EXPECT_TRUE(AppendCalls(*one, {.calls = 30}).ok());
    EXPECT_TRUE(AppendCalls(*two, {.calls = 10, .first_call = 30}).ok());
    const auto db = written_.Connect(kAnswerMax);
    EXPECT_TRUE(*JoinChains(**db, absl::ZeroDuration(), kAnswerMax));
    EXPECT_TRUE(AppendCalls(*one, {.calls = 5, .first_call = 40}).ok());
  }

  std::unique_ptr<LedgerLog> Start() {
    auto store =
        PostgresCommitStore::Claim(written_, SystemClock(), SystemRandom());
    EXPECT_TRUE(store.ok()) << store.status();
    return *LedgerLog::Open(*std::move(store), {});
  }
  std::unique_ptr<PostgresLedger> Open() {
    auto ledger = PostgresLedgerOf(
        {.words = {"query"}, .flags = {{"--postgres", server_.conninfo()}}});
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    return *std::move(ledger);
  }

  PostgresServer server_;
  PostgresLedger written_;
};

TEST_F(LedgerPostgresTest, WordsSayWhere) {
  EXPECT_EQ(*PostgresLedgerOf({.words = {"query"}}), nullptr);
  const auto told =
      [&](std::vector<std::pair<std::string, std::string>> flags) {
        const auto ledger =
            PostgresLedgerOf({.words = {"query"}, .flags = std::move(flags)});
        EXPECT_FALSE(ledger.ok());
        return std::string(ledger.status().message());
      };
  EXPECT_THAT(told({{"--schema", "a"}}), HasSubstr("--schema"));
  EXPECT_THAT(
      told({{"--postgres", "host=db password=open-sesame"}}),
      testing::AllOf(HasSubstr("PGPASSWORD"), Not(HasSubstr("open-sesame"))));
  EXPECT_THAT(told({{"--postgres", server_.conninfo()}, {"--schema", "A"}}),
              HasSubstr("--schema"));
  EXPECT_THAT(told({{"--postgres", server_.conninfo()}, {"--schema", "none"}}),
              HasSubstr("there is no ledger in the schema none"));
}

TEST_F(LedgerPostgresTest, EntriesOfAllChainsAreFoundByTheirTimes) {
  const auto ledger = Open();
  const auto newest = FindInPostgres(*ledger, "", {}, 11, true);
  ASSERT_TRUE(newest.ok()) << newest.status();
  ASSERT_EQ(newest->size(), 11U);
  EXPECT_EQ(newest->front().id(), ExchangeIdOf(44));
  EXPECT_EQ(newest->front().chain(), "1");
  EXPECT_EQ(newest->back().id(), ExchangeIdOf(39));
  EXPECT_EQ(newest->back().chain(), "2");
  const auto oldest =
      FindInPostgres(*ledger, "2", {.event_types = {"DISPATCH"}}, 3, false);
  ASSERT_TRUE(oldest.ok()) << oldest.status();
  ASSERT_EQ(oldest->size(), 3U);
  EXPECT_EQ(oldest->front().id(), DispatchIdOf(30));
  EXPECT_EQ(oldest->front().number(), 1);
  EXPECT_TRUE(
      absl::IsNotFound(FindInPostgres(*ledger, "7", {}, 3, false).status()));
}

TEST_F(LedgerPostgresTest, AllOfItIsVerified) {
  const auto ledger = Open();
  const auto all = VerifyPostgres(*ledger, "", 0);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_TRUE(all->valid()) << all->problem();
  EXPECT_EQ(all->checked_entries(), 90);
  EXPECT_EQ(all->checked_chains(), 2);
  EXPECT_EQ(all->checked_joins(), 1);
  const auto one = VerifyPostgres(*ledger, "1", 60);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_TRUE(one->valid()) << one->problem();
  EXPECT_EQ(one->checked_entries(), 10);
  EXPECT_FALSE(VerifyPostgres(*ledger, "", 60).ok());
  EXPECT_FALSE(VerifyPostgres(*ledger, "1", 71).ok());
  // What was noted must be there as long as something binds it.
  const std::string noted = all->last_hash();
  EXPECT_TRUE(VerifyPostgres(*ledger, "", 0, noted)->valid());
  EXPECT_TRUE(VerifyPostgres(*ledger, "1", 60, one->last_hash())->valid());
  // Of what was not read nothing is said to be gone.
  const auto of_another =
      VerifyPostgres(*ledger, "1", 60, noted.substr(1) + "x");
  EXPECT_THAT(of_another->problem(),
              HasSubstr("or is of another chain, or is before the first that "
                        "was read"));
  server_.Ask("CREATE TABLE whole AS SELECT * FROM llm_gateway.joins");
  server_.Ask("DELETE FROM llm_gateway.joins");
  EXPECT_TRUE(VerifyPostgres(*ledger, "", 0)->valid()) << "by itself it fits";
  const auto unbound = VerifyPostgres(*ledger, "", 0, noted);
  EXPECT_FALSE(unbound->valid());
  EXPECT_THAT(unbound->problem(), HasSubstr(noted));
  server_.Ask("INSERT INTO llm_gateway.joins SELECT * FROM whole");
  // A row behind the end that the chain itself names.
  server_.Ask(
      "UPDATE llm_gateway.chains SET commits = commits - 1 WHERE chain = 1");
  const auto behind = VerifyPostgres(*ledger, "", 0);
  EXPECT_FALSE(behind->valid());
  EXPECT_THAT(behind->problem(), HasSubstr("chain 1: ends with commit"));
  server_.Ask(
      "UPDATE llm_gateway.chains SET commits = commits + 1 WHERE chain = 1");
  server_.Ask(
      "UPDATE llm_gateway.commits SET texts = set_byte(texts, 100, "
      "get_byte(texts, 100) # 1) WHERE chain = 2");
  const auto broken = VerifyPostgres(*ledger, "", 0);
  ASSERT_TRUE(broken.ok()) << broken.status();
  EXPECT_FALSE(broken->valid());
  EXPECT_EQ(broken->broken_chain(), "2");
  EXPECT_EQ(broken->broken_entry(), 1);
  EXPECT_THAT(broken->problem(), HasSubstr("chain 2: the entry 1"));
}

}  // namespace
}  // namespace gateway
