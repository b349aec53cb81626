#include "service/config/ledger_validator.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::testing::HasSubstr;

std::string LedgerProblems(const GatewayConfig& config) {
  ConfigProblems problems("test");
  CheckLedger(config, FieldPlaces(), &problems);
  std::string lines;
  for (const ConfigProblem& problem : problems.Sorted()) {
    lines += problem.path + " " + problem.message + "\n";
  }
  return lines;
}

TEST(LedgerValidatorTest, ItsFileCountsFromTheStateFolder) {
  GatewayConfig config;
  config.mutable_ledger()->set_path("l.db");
  config.mutable_runtime()->set_state_dir("state");
  EXPECT_EQ(LedgerFile(config), "state/l.db");
  config.mutable_runtime()->set_state_dir("state/");
  EXPECT_EQ(LedgerFile(config), "state/l.db");
  config.mutable_ledger()->set_path("/var/l.db");
  EXPECT_EQ(LedgerFile(config), "/var/l.db");
}

TEST(LedgerValidatorTest, ItMayCountFromAnotherFolder) {
  GatewayConfig config;
  PutLedgerUnder("/plane", &config);
  EXPECT_FALSE(config.has_ledger());
  config.mutable_ledger();
  PutLedgerUnder("", &config);
  EXPECT_EQ(config.ledger().path(), "");
  PutLedgerUnder("/plane", &config);
  EXPECT_EQ(config.ledger().path(), "/plane/ledger.db");
  PutLedgerUnder("/other", &config);
  EXPECT_EQ(config.ledger().path(), "/plane/ledger.db");
}

TEST(LedgerValidatorTest, ItNeedsAPlace) {
  GatewayConfig config;
  EXPECT_EQ(LedgerProblems(config), "");
  config.mutable_ledger()->set_path("l.db");
  EXPECT_THAT(LedgerProblems(config),
              HasSubstr("ledger.path needs runtime.state_dir"));
  config.mutable_ledger()->set_path("/var/");
  EXPECT_THAT(LedgerProblems(config),
              HasSubstr("ledger.path is no file's name"));
  config.mutable_ledger()->set_path("/var/l.db");
  EXPECT_EQ(LedgerProblems(config), "");
}

}  // namespace
}  // namespace gateway
