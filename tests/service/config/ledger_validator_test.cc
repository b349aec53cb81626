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

TEST(LedgerValidatorTest, WhoMayReadWhatADatabaseIsSentIsWarnedOf) {
  GatewayConfig config;
  const auto warnings = [&config] {
    ConfigProblems problems("test");
    CheckLedger(config, FieldPlaces(), &problems);
    std::string lines;
    for (const ConfigProblem& warning : problems.SortedWarnings()) {
      lines += warning.path + " " + warning.message + "\n";
    }
    return lines;
  };
  auto& postgres = *config.mutable_ledger()->mutable_postgres();
  postgres.set_connection("host=db sslmode=prefer");
  EXPECT_THAT(warnings(),
              HasSubstr("ledger.postgres.connection names a server on another "
                        "machine and does not insist on TLS"));
  postgres.set_connection("host=db sslmode=require");
  EXPECT_THAT(warnings(), HasSubstr("does not look at its certificate"));
  for (const char* const safe : {"host=db sslmode=verify-full", "dbname=l"}) {
    postgres.set_connection(safe);
    EXPECT_EQ(warnings(), "");
  }
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

TEST(LedgerValidatorTest, ADatabaseIsNamedWithoutAPassword) {
  GatewayConfig config;
  config.mutable_runtime()->set_state_dir("state");
  config.mutable_runtime()->set_replicas(3);
  auto& postgres = *config.mutable_ledger()->mutable_postgres();
  postgres.set_schema("llm_gateway");
  EXPECT_THAT(LedgerProblems(config),
              HasSubstr("ledger.postgres.connection must be 1 to 4096 bytes"));
  postgres.set_connection("host=db dbname=ledger user=gateway");
  EXPECT_EQ(LedgerProblems(config), "");
  postgres.set_connection("postgresql://gateway:open-sesame@db/ledger");
  EXPECT_THAT(LedgerProblems(config),
              testing::AllOf(HasSubstr("ledger.postgres.connection has a "
                                       "password in it"),
                             testing::Not(HasSubstr("open-sesame"))));
  postgres.set_connection("host=db");
  postgres.set_password("open-sesame");
  EXPECT_THAT(LedgerProblems(config), HasSubstr("ledger.postgres.password"));
  postgres.set_password("env:LEDGER_PASSWORD");
  EXPECT_EQ(LedgerProblems(config), "");
}

TEST(LedgerValidatorTest, ADatabaseTakesNothingOfAFile) {
  GatewayConfig config;
  auto& ledger = *config.mutable_ledger();
  ledger.mutable_postgres()->set_connection("host=db");
  ledger.mutable_postgres()->set_schema("llm_gateway");
  EXPECT_THAT(LedgerProblems(config),
              HasSubstr("ledger.postgres needs runtime.state_dir"));
  config.mutable_runtime()->set_state_dir("state");
  ledger.set_path("l.db");
  ledger.set_sync(::llmgateway::config::v1::LedgerConfig::SYNC_FULL);
  ledger.set_file_bytes_limit(0);
  for (const char* const field : {"ledger.path is of", "ledger.sync is of",
                                  "ledger.file_bytes_limit is of"}) {
    EXPECT_THAT(LedgerProblems(config), HasSubstr(field));
  }
}

TEST(LedgerValidatorTest, ASchemaHasASimpleName) {
  GatewayConfig config;
  config.mutable_runtime()->set_state_dir("state");
  auto& postgres = *config.mutable_ledger()->mutable_postgres();
  postgres.set_connection("host=db");
  for (const char* const name : {"", "1a", "A", "a-b", "a\"; DROP"}) {
    postgres.set_schema(name);
    EXPECT_THAT(LedgerProblems(config), HasSubstr("ledger.postgres.schema"))
        << name;
  }
  for (const char* const name : {"a", "_", "gateway_2"}) {
    postgres.set_schema(name);
    EXPECT_EQ(LedgerProblems(config), "");
  }
}

}  // namespace
}  // namespace gateway
