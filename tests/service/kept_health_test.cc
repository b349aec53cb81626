#include "service/kept_health.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/component_board.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_writer.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;
namespace v1 = ::llmgateway::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kOneProviderYaml[] = "providers: [{name: mock, mock: {}}]\n";

v1::ComponentHealth Healthy() {
  v1::ComponentHealth health;
  health.set_state(v1::ComponentHealth::STATE_HEALTHY);
  return health;
}

v1::ComponentHealth OfLedger(const LedgerWriter::Counts& counts, bool rejects) {
  v1::ComponentHealth health = Healthy();
  FillLedgerHealth(counts, rejects, LedgerAdvice({}), &health);
  return health;
}

TEST(LedgerHealthTest, ALedgerThatIsWrittenIsWellWhateverItOnceLost) {
  EXPECT_EQ(OfLedger({.failures = 3, .lost = 5}, true).state(),
            v1::ComponentHealth::STATE_HEALTHY);
}

TEST(LedgerHealthTest, CallsAreRefusedWhileItIsTriedAgain) {
  const v1::ComponentHealth health =
      OfLedger({.kept = 1, .failing = true}, true);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_FAILING);
  EXPECT_THAT(health.problem(), HasSubstr("calls are refused until it can"));
  EXPECT_THAT(health.problem(), HasSubstr("ledger.file_bytes_limit"));
}

TEST(LedgerHealthTest, ALedgerThatOnlyACallTriesAgainKeepsNoCallAway) {
  const v1::ComponentHealth health =
      OfLedger({.kept = 0, .failing = true}, true);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(health.problem(), HasSubstr("the next call tries again"));
}

TEST(LedgerHealthTest, WhereCallsGoOnWithoutItIsDegraded) {
  const v1::ComponentHealth health =
      OfLedger({.kept = 1, .failing = true}, false);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(health.problem(), HasSubstr("served all the same"));
}

TEST(LedgerHealthTest, ACommitThatDoesNotEndIsSaid) {
  const LedgerWriter::Counts counts = {.failing = true, .stalled = true};
  const v1::ComponentHealth rejecting = OfLedger(counts, true);
  EXPECT_EQ(rejecting.state(), v1::ComponentHealth::STATE_FAILING);
  EXPECT_THAT(rejecting.problem(), HasSubstr("ledger.commit_timeout"));
  EXPECT_THAT(rejecting.problem(), HasSubstr("calls are refused"));
  const v1::ComponentHealth degraded = OfLedger(counts, false);
  EXPECT_EQ(degraded.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(degraded.problem(), HasSubstr("served all the same"));
}

TEST(LedgerHealthTest, ThatEntriesAreLostByNowIsSaid) {
  for (const bool rejects : {false, true}) {
    for (const bool stalled : {false, true}) {
      const LedgerWriter::Counts counts = {
          .kept = 1, .failing = true, .stalled = stalled, .losing = true};
      EXPECT_THAT(OfLedger(counts, rejects).problem(),
                  HasSubstr("no more room, so that entries are lost: "))
          << rejects << stalled;
    }
  }
}

TEST(LedgerHealthTest, WhatWasLostLatelyOrAlteredIsDegraded) {
  v1::ComponentHealth health = Healthy();
  FillLostEntries(&health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(health.problem(), HasSubstr("ENTRIES_LOST"));
  health = Healthy();
  FillBrokenLedger(&health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(health.problem(), HasSubstr("gatewayctl ledger verify"));
  health = Healthy();
  FillUnjoinedLedger(&health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(health.problem(), HasSubstr("not joined"));
  // What is worse is said first.
  health = OfLedger({.kept = 1, .failing = true}, true);
  const std::string problem = health.problem();
  FillLostEntries(&health);
  FillBrokenLedger(&health);
  FillUnjoinedLedger(&health);
  EXPECT_EQ(health.problem(), problem);
}

TEST(SummaryHealthTest, SumsThatCannotBeWrittenAreTold) {
  v1::ComponentHealth health = Healthy();
  FillSummaryHealth(false, &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_HEALTHY);
  FillSummaryHealth(true, &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(health.problem(), HasSubstr("runtime.state_dir"));
}

TEST(LedgerHealthTest, AProblemDoesNotChangeWithItsFigures) {
  EXPECT_EQ(OfLedger({.kept = 1, .failing = true}, true).problem(),
            OfLedger({.lost = 9, .kept = 99, .failing = true}, true).problem());
}

TEST(LedgerHealthTest, ADatabaseThatOthersMayReadIsDegraded) {
  v1::ComponentHealth health = Healthy();
  FillClearLedger(&health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(health.problem(), HasSubstr("add sslmode=verify-full to "));
  // What is worse is said first.
  health = OfLedger({.kept = 1, .failing = true}, true);
  const std::string problem = health.problem();
  FillClearLedger(&health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_FAILING);
  EXPECT_EQ(health.problem(), problem);
}

TEST(LedgerHealthTest, TheAdviceIsOfWhatTheLedgerIs) {
  configv1::LedgerConfig ledger;
  EXPECT_THAT(std::string(LedgerAdvice(ledger)),
              HasSubstr("ledger.file_bytes_limit"));
  ledger.mutable_postgres();
  EXPECT_THAT(std::string(LedgerAdvice(ledger)), HasSubstr("PostgreSQL"));
  EXPECT_THAT(std::string(LedgerAdvice(ledger)),
              Not(HasSubstr("ledger.file_bytes_limit")));
}

// What has nothing, and no way to be read.
class NoCommits final : public CommitSource {
 public:
  explicit NoCommits(absl::Status status) : status_(std::move(status)) {}
  absl::Status Read(int64_t, VisitCommit) const override { return status_; }

 private:
  const absl::Status status_;
};

TEST(IndexHealthTest, AnIndexThatStandsStillIsNamed) {
  TemporaryFolder folder;
  const NoCommits well{absl::OkStatus()};
  const NoCommits broken{absl::DataLossError("commit 7 is missing")};
  LedgerIndex one(well, {.ledger_path = folder.Path("one")});
  LedgerIndex two(broken, {.ledger_path = folder.Path("two")});
  EXPECT_TRUE(one.CatchUp(absl::Seconds(60)));
  EXPECT_FALSE(two.CatchUp(absl::Seconds(60)));
  v1::ComponentHealth health = Healthy();
  FillIndexHealth({{.name = "1", .commits = &well, .index = &one}}, &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_HEALTHY);
  FillIndexHealth({{.name = "1", .commits = &well, .index = &one},
                   {.name = "2", .commits = &broken, .index = &two}},
                  &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(health.problem(), HasSubstr("chain 2: commit 7 is missing"));
  EXPECT_THAT(health.problem(), Not(HasSubstr("chain 1")));
}

TEST(BudgetsHealthTest, WhatIsSpentIsAsSafeAsTheLedger) {
  v1::ComponentHealth health = Healthy();
  FillBudgetsHealth(OfLedger({}, true), &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_HEALTHY);
  FillBudgetsHealth(OfLedger({.kept = 1, .failing = true}, true), &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(health.problem(), HasSubstr("a restart forgets it"));
}

TEST(AuditHealthTest, ItIsDegradedWhileItFailsOrHasJustDropped) {
  v1::ComponentHealth health = Healthy();
  FillAuditHealth({.dropped = 4}, false, &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_HEALTHY);
  FillAuditHealth({.dropped = 4}, true, &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(health.problem(), HasSubstr("audit.queue_entries_limit"));
  FillAuditHealth({.failing = true}, true, &health);
  EXPECT_THAT(health.problem(), HasSubstr("cannot be written"));
}

RedisHealth::Server ServerOf(const std::string& name, int up, int down) {
  RedisHealth::Server server;
  server.name = name;
  server.up = up;
  server.down = down;
  return server;
}

TEST(RedisHealthInWordsTest, EveryServerIsUpOrIsNamed) {
  v1::ComponentHealth health = Healthy();
  FillRedisHealth({ServerOf("a:1", 2, 0), ServerOf("b:1", 1, 0)}, &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_HEALTHY);
  FillRedisHealth(
      {ServerOf("a:1", 1, 1), ServerOf("b:1", 1, 0), ServerOf("c:1", 0, 2)},
      &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(health.problem(), HasSubstr("a:1, c:1 cannot be reached"));
}

TEST(RedisHealthInWordsTest, AServerThatNobodyAsksAnyMoreIsNoTrouble) {
  v1::ComponentHealth health = Healthy();
  FillRedisHealth({ServerOf("gone:1", 0, 0), ServerOf("b:1", 1, 0)}, &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_HEALTHY);
  FillRedisHealth({ServerOf("gone:1", 0, 0)}, &health);
  EXPECT_THAT(health.problem(), HasSubstr("no server has been reached yet"));
}

TEST(StoreHealthTest, TheLastOneTellsHowItIs) {
  v1::ComponentHealth health = Healthy();
  FillStoreHealth(false, &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_HEALTHY);
  FillStoreHealth(true, &health);
  EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_DEGRADED);
}

TEST(KeptHealthTest, WhatThereIsNotIsNotListed) {
  FakeClock clock;
  const CurrentRuntime runtime(MakeTestRuntime(kOneProviderYaml));
  ComponentBoard board;
  AddKeptHealth({.runtime = runtime, .clock = clock}, &board);
  EXPECT_THAT(board.Read(), IsEmpty());
}

TEST(KeptHealthTest, WhatThereIsIsListed) {
  FakeClock clock;
  const CurrentRuntime runtime(MakeTestRuntime(
      std::string(kOneProviderYaml) +
      "budgets: {rules: [{name: b, unit: total_tokens, limit: 9}]}\n"));
  RedisHealth redis(clock);
  RedisHealth::Share server(redis, "a:1");
  ComponentBoard board;
  AddKeptHealth({.runtime = runtime, .redis = &redis, .clock = clock}, &board);
  server.SetUp();
  std::vector<std::string> names;
  for (const v1::ComponentHealth& health : board.Read()) {
    EXPECT_EQ(health.state(), v1::ComponentHealth::STATE_HEALTHY);
    names.push_back(health.name());
  }
  EXPECT_THAT(names, ElementsAre("budgets", "redis"));
  server.SetDown(absl::UnavailableError("refused"));
  EXPECT_TRUE(
      AnyComponentIs(v1::ComponentHealth::STATE_DEGRADED, board.Read()));
  EXPECT_EQ(board.failure(), "");
}

TEST(KeptHealthTest, ADatabaseIsToldByHowItIsReached) {
  FakeClock clock;
  TemporaryFolder folder;
  auto log = LedgerLog::Open({.path = folder.Path("ledger.db")});
  ASSERT_TRUE(log.ok());
  const LedgerWriter writer(*std::move(log), {}, clock);
  const CurrentRuntime runtime(MakeTestRuntime(kOneProviderYaml));
  ServerTrust trust = ServerTrust::kVerified;
  ComponentBoard board;
  AddKeptHealth({.runtime = runtime,
                 .ledger = &writer,
                 .clock = clock,
                 .ledger_trust = [&trust] { return trust; }},
                &board);
  for (const ServerTrust kept :
       {ServerTrust::kVerified, ServerTrust::kUnverified}) {
    trust = kept;
    EXPECT_EQ(board.Read().at(0).state(), v1::ComponentHealth::STATE_HEALTHY);
  }
  // Another session of it, elsewhere.
  trust = ServerTrust::kInClear;
  EXPECT_EQ(board.Read().at(0).state(), v1::ComponentHealth::STATE_DEGRADED);
}

}  // namespace
}  // namespace gateway
