#include "service/config/record_defaults.h"

#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "llmgateway/config/v1/ledger.pb.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

TEST(RecordDefaultsTest, ALedgerThatIsNamedHasThem) {
  configv1::GatewayConfig config;
  FillRecords(&config);
  EXPECT_FALSE(config.has_ledger());
  config.mutable_ledger();
  FillRecords(&config);
  EXPECT_EQ(config.ledger().path(), "ledger.db");
  EXPECT_EQ(config.ledger().on_failure(),
            configv1::LedgerConfig::ON_FAILURE_REJECT);
  EXPECT_EQ(config.ledger().sync(), configv1::LedgerConfig::SYNC_FULL);
}

TEST(RecordDefaultsTest, ACommitMayTakeAsLongAsADatabaseMay) {
  configv1::GatewayConfig config;
  config.mutable_ledger();
  FillRecords(&config);
  EXPECT_EQ(config.ledger().commit_timeout().seconds(), 5);
  config.Clear();
  config.mutable_ledger()->mutable_postgres()->mutable_timeout()->set_seconds(
      9);
  FillRecords(&config);
  EXPECT_EQ(config.ledger().commit_timeout().seconds(), 9);
  config.mutable_ledger()->mutable_commit_timeout()->set_seconds(1);
  FillRecords(&config);
  EXPECT_EQ(config.ledger().commit_timeout().seconds(), 1);
}

TEST(RecordDefaultsTest, WhatIsSaidStays) {
  configv1::GatewayConfig config;
  config.mutable_ledger()->set_queue_entries_limit(64);
  FillRecords(&config);
  EXPECT_EQ(config.ledger().queue_entries_limit(), 64);
}

}  // namespace
}  // namespace gateway
