#include "service/kept_ledger.h"

#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_writer.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::testing::HasSubstr;

class KeptLedgerTest : public testing::Test {
 protected:
  KeptLedgerTest() {
    config_.mutable_runtime()->set_state_dir("state");
    config_.mutable_ledger()->set_path("deep/ledger.db");
    config_.mutable_ledger()->set_queue_entries_limit(64);
    config_.mutable_ledger()->set_queue_bytes_limit(1 << 20);
    config_.mutable_ledger()->mutable_commit_timeout()->set_seconds(5);
  }
  TemporaryFolder folder_;
  std::string file_ = folder_.Path("gateway.yaml");
  std::string path_ = folder_.Path("state/deep/ledger.db");
  GatewayConfig config_;
};

TEST_F(KeptLedgerTest, ThereIsNoneWhereNoneIsAskedFor) {
  config_.clear_ledger();
  KeptLedger kept(SystemClock());
  EXPECT_TRUE(kept.Open(config_, file_, Secret("")).ok());
  EXPECT_EQ(kept.writer(), nullptr);
  EXPECT_EQ(kept.chains(), nullptr);
}

TEST_F(KeptLedgerTest, WhatIsInItCanBeFound) {
  KeptLedger kept(SystemClock());
  ASSERT_TRUE(kept.Open(config_, file_, Secret("")).ok());
  ASSERT_NE(kept.chains(), nullptr);
  const auto chains = kept.chains()->All();
  ASSERT_EQ(chains.size(), 1U);
  EXPECT_EQ(chains[0].name, "");
  EXPECT_TRUE(chains[0].index->CatchUp(absl::Seconds(30)));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".index"));
}

TEST_F(KeptLedgerTest, WhatAProcessHasLeftOpenIsClosed) {
  {
    std::filesystem::create_directories(folder_.Path("state/deep"));
    auto log = LedgerLog::Open({.path = path_});
    ASSERT_TRUE(log.ok()) << log.status();
    LedgerEntry entry;
    entry.event_type = "DISPATCH";
    entry.id = "LED-1";
    const UnchainedEntry unchained(entry, OpeningNote("LED-1", "", "P", "{}"));
    const UnchainedEntry* const all = &unchained;
    ASSERT_TRUE((*log)->Append({&all, 1}, SystemClock().WallTime()).ok());
  }
  KeptLedger kept(SystemClock());
  ASSERT_TRUE(kept.Open(config_, file_, Secret("")).ok());
  EXPECT_EQ(kept.writer()->counts().entries, 2);
}

TEST_F(KeptLedgerTest, AnErrorNamesItsField) {
  config_.mutable_ledger()->set_path("/proc/none/ledger.db");
  KeptLedger kept(SystemClock());
  const absl::Status opened = kept.Open(config_, file_, Secret(""));
  EXPECT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.message()), HasSubstr("ledger.path: "));
}

TEST_F(KeptLedgerTest, ReplicasFindWhatOthersHaveWritten) {
  const PostgresServer server;
  config_.mutable_ledger()->clear_path();
  auto& postgres = *config_.mutable_ledger()->mutable_postgres();
  postgres.set_connection(server.conninfo());
  postgres.set_schema("llm_gateway");
  postgres.mutable_timeout()->set_seconds(20);
  postgres.mutable_join_interval()->set_seconds(1);
  std::filesystem::create_directories(folder_.Path("state"));
  KeptLedger one(SystemClock());
  KeptLedger two(SystemClock());
  absl::Status opened = one.Open(config_, file_, Secret(""));
  ASSERT_TRUE(opened.ok()) << opened;
  // Of another machine.
  config_.mutable_runtime()->set_state_dir(folder_.Path("another"));
  std::filesystem::create_directories(folder_.Path("another"));
  opened = two.Open(config_, file_, Secret(""));
  ASSERT_TRUE(opened.ok()) << opened;
  for (const KeptLedger* const kept : {&one, &two}) {
    ASSERT_TRUE(kept->chains()->Refresh().ok());
    ASSERT_EQ(kept->chains()->All().size(), 2U);
    for (const LedgerChains::Chain& chain : kept->chains()->All()) {
      EXPECT_TRUE(chain.index->CatchUp(absl::Seconds(30))) << chain.name;
    }
  }
}

TEST_F(KeptLedgerTest, WhereBudgetsAreNotSharedNothingIsKeptOfAMove) {
  PostgresServer server;
  config_.mutable_ledger()->clear_path();
  auto& postgres = *config_.mutable_ledger()->mutable_postgres();
  postgres.set_connection(server.conninfo());
  postgres.set_schema("llm_gateway");
  postgres.mutable_timeout()->set_seconds(20);
  postgres.mutable_join_interval()->set_seconds(1);
  std::filesystem::create_directories(folder_.Path("state"));
  KeptLedger kept(SystemClock());
  const absl::Status opened = kept.Open(config_, file_, Secret(""));
  ASSERT_TRUE(opened.ok()) << opened;
  // Somebody has taken its chain.
  server.Ask("UPDATE llm_gateway.chains SET epoch = epoch + 1");
  absl::Status committed;
  LoopRunner().Run([](LedgerWriter& writer, absl::Status* told) -> Task<void> {
    LedgerEntry entry;
    entry.event_type = "EXCHANGE";
    UnchainedEntry unchained(entry);
    *told = co_await writer.Commit({}, absl::MakeSpan(&unchained, 1),
                                   LedgerWriter::IfNotCommitted::kKeep);
  }(*kept.writer(), &committed));
  ASSERT_TRUE(committed.ok()) << committed;
  EXPECT_EQ(server.Ask("SELECT count(*) FROM llm_gateway.chains"), "2");
  EXPECT_TRUE(kept.TakeBudgetNews().moves.empty());
}

TEST_F(KeptLedgerTest, ADatabaseThatIsNotThereIsNamed) {
  config_.mutable_ledger()->clear_path();
  auto& postgres = *config_.mutable_ledger()->mutable_postgres();
  postgres.set_connection("host=/nowhere dbname=ledger");
  postgres.set_schema("llm_gateway");
  postgres.mutable_timeout()->set_seconds(20);
  KeptLedger kept(SystemClock());
  const absl::Status opened = kept.Open(config_, file_, Secret(""));
  EXPECT_TRUE(absl::IsUnavailable(opened)) << opened;
  EXPECT_THAT(std::string(opened.message()), HasSubstr("ledger.postgres: "));
}

}  // namespace
}  // namespace gateway
