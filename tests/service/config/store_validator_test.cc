#include "service/config/store_validator.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/config/config_problem.h"
#include "service/config/loader.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::StoreConfig;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kIssued[] = "auth: {callers: {issued_keys: {}}}\n";

std::vector<std::string> WarningsOf(const std::string& yaml) {
  ConfigProblems problems("f");
  const LoadedConfig loaded = LoadConfigText(yaml, &problems);
  CheckStore(loaded.config, loaded.places, &problems);
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : problems.SortedWarnings()) {
    lines.push_back(absl::StrCat(problem.path, ": ", problem.message));
  }
  return lines;
}

TEST(StoreValidatorTest, WhatIsNotNamedFollowsFromTheRest) {
  GatewayConfig config;
  EXPECT_FALSE(NeedsRecordStore(config));
  EXPECT_EQ(RecordStoreEngine(config), StoreConfig::ENGINE_MEMORY);
  EXPECT_EQ(RecordStoreFile(config), "");
  config.mutable_runtime()->set_state_dir("/var/lib/gw");
  EXPECT_EQ(RecordStoreEngine(config), StoreConfig::ENGINE_SQLITE);
  EXPECT_EQ(RecordStoreFile(config), "/var/lib/gw/gateway.db");
  config.mutable_runtime()->set_state_dir("kept/");
  EXPECT_EQ(RecordStoreFile(config), "kept/gateway.db");
  config.mutable_store()->set_file("other.db");
  EXPECT_EQ(RecordStoreFile(config), "other.db");
  config.mutable_runtime()->clear_state_dir();
  EXPECT_EQ(RecordStoreEngine(config), StoreConfig::ENGINE_SQLITE);
  config.mutable_store()->set_engine(StoreConfig::ENGINE_MEMORY);
  EXPECT_EQ(RecordStoreEngine(config), StoreConfig::ENGINE_MEMORY);
  config.mutable_auth()->mutable_callers()->mutable_issued_keys();
  EXPECT_TRUE(NeedsRecordStore(config));
}

TEST(StoreValidatorTest, AnswersAreKeptWhereAStoreThatLastsIsNamed) {
  GatewayConfig config;
  config.mutable_response_store()->set_entries_limit(10);
  EXPECT_FALSE(KeepsResponses(config));
  // It may be there for what is learned of providers alone.
  config.mutable_runtime()->set_state_dir("/var/lib/gw");
  EXPECT_FALSE(KeepsResponses(config));
  EXPECT_FALSE(NeedsRecordStore(config));
  config.mutable_store();
  EXPECT_TRUE(KeepsResponses(config));
  EXPECT_TRUE(NeedsRecordStore(config));
  config.mutable_store()->set_engine(StoreConfig::ENGINE_MEMORY);
  EXPECT_FALSE(KeepsResponses(config));
  config.mutable_store()->set_engine(StoreConfig::ENGINE_REDIS);
  EXPECT_TRUE(KeepsResponses(config));
  config.mutable_response_store()->set_entries_limit(0);
  EXPECT_FALSE(KeepsResponses(config));
}

TEST(StoreValidatorTest, WhatCannotBeIsRefused) {
  EXPECT_THAT(ProblemsBesideAMock("store: {engine: redis}"),
              ElementsAre(HasSubstr("store.engine: is redis, and no 'redis'")));
  EXPECT_THAT(ProblemsBesideAMock("store: {engine: redis, file: a.db}\n"
                                  "redis: {addresses: ['cache:6379']}\n"),
              ElementsAre(HasSubstr("store.file: means nothing for the engine "
                                    "redis")));
  EXPECT_THAT(ProblemsBesideAMock("store: {engine: sqlite}"),
              ElementsAre(HasSubstr("store.file: is required for sqlite")));
  EXPECT_THAT(ProblemsBesideAMock("store: {engine: sqlite, file: a.db}"),
              IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock("store: {engine: sqlite}\n"
                                  "runtime: {state_dir: kept}"),
              IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock("store: {engine: memory, file: a.db}"),
              ElementsAre(HasSubstr("store.file: means nothing for")));
  for (const char* wrong : {"folder/", "\"a\\nb\""}) {
    EXPECT_THAT(ProblemsBesideAMock(absl::StrCat("store: {file: ", wrong, "}")),
                ElementsAre(HasSubstr("store.file: must be the path")))
        << wrong;
  }
}

TEST(StoreValidatorTest, KeysOfOneProcessAreNoKeysOfReplicas) {
  const std::string replicas = "runtime: {replicas: 2}\n";
  EXPECT_THAT(
      ProblemsBesideAMock(absl::StrCat(kIssued, replicas)),
      ElementsAre(AllOf(HasSubstr("auth.callers.issued_keys: are kept by each"),
                        HasSubstr("in memory"), HasSubstr("there are 2"))));
  EXPECT_THAT(ProblemsBesideAMock(absl::StrCat(
                  kIssued, "runtime: {replicas: 2, state_dir: kept}\n")),
              ElementsAre(HasSubstr("in SQLite")));
  EXPECT_THAT(ProblemsBesideAMock(absl::StrCat(
                  kIssued, "runtime: {replicas: 1, state_dir: kept}\n")),
              IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock(replicas), IsEmpty());
  EXPECT_THAT(
      ProblemsBesideAMock(absl::StrCat(kIssued, replicas,
                                       "store: {engine: redis}\n"
                                       "redis: {addresses: ['cache:6379']}\n")),
      IsEmpty());
}

TEST(StoreValidatorTest, SessionsOfOneProcessAreNoSessionsOfReplicas) {
  EXPECT_THAT(
      ProblemsBesideAMock("sessions: {}\nruntime: {replicas: 2}\n"),
      ElementsAre(AllOf(HasSubstr("sessions: are kept by each"),
                        HasSubstr("in memory"), HasSubstr("there are 2"))));
  EXPECT_THAT(ProblemsBesideAMock("sessions: {}\n"
                                  "runtime: {replicas: 2, state_dir: kept}\n"),
              ElementsAre(HasSubstr("in SQLite")));
  EXPECT_THAT(ProblemsBesideAMock("sessions: {}\n"), IsEmpty());
  EXPECT_THAT(WarningsOf("sessions: {}\n"), IsEmpty());
}

TEST(StoreValidatorTest, AnswersOfOneProcessAreOfNoUseToOthers) {
  const std::string replicas = "runtime: {replicas: 2}\n";
  const auto told =
      ElementsAre(AllOf(HasSubstr("response_store: keeps answers in the memory "
                                  "of each process"),
                        HasSubstr("there are 2"), HasSubstr("engine: redis")));
  EXPECT_THAT(WarningsBesideAMock(replicas), told);
  EXPECT_THAT(WarningsBesideAMock("runtime: {replicas: 2, state_dir: kept}\n"),
              told);
  EXPECT_THAT(
      WarningsBesideAMock(absl::StrCat(replicas, "store: {engine: memory}\n")),
      told);
  EXPECT_THAT(
      WarningsBesideAMock(absl::StrCat(replicas,
                                       "store: {engine: redis}\n"
                                       "redis: {addresses: ['cache:6379']}\n")),
      IsEmpty());
  EXPECT_THAT(WarningsBesideAMock(
                  absl::StrCat(replicas, "response_store: {entries_limit: 0}")),
              IsEmpty());
  EXPECT_THAT(WarningsBesideAMock("runtime: {replicas: 1}\n"), IsEmpty());
}

TEST(StoreValidatorTest, AFileOfOneProcessIsNoStoreOfReplicas) {
  const std::string replicas = "runtime: {replicas: 2, state_dir: kept}\n";
  for (const char* store : {"{engine: sqlite}", "{file: a.db}", "{}"}) {
    EXPECT_THAT(
        ProblemsBesideAMock(absl::StrCat("store: ", store, "\n", replicas)),
        ElementsAre(AllOf(HasSubstr("store.engine: is sqlite, a file of one "
                                    "process"),
                          HasSubstr("there are 2"),
                          HasSubstr("choose store.engine: redis"))))
        << store;
  }
  EXPECT_THAT(ProblemsBesideAMock("store: {engine: sqlite}\n"
                                  "runtime: {replicas: 1, state_dir: kept}\n"),
              IsEmpty());
  // What is learned of providers is each process's own.
  EXPECT_THAT(ProblemsBesideAMock(replicas), IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock("store: {engine: memory}\n"
                                  "runtime: {replicas: 2}\n"),
              IsEmpty());
  EXPECT_THAT(
      ProblemsBesideAMock(absl::StrCat("store: {engine: redis}\n", replicas,
                                       "redis: {addresses: ['cache:6379']}\n")),
      IsEmpty());
}

TEST(StoreValidatorTest, WarnsOfWhatARestartForgets) {
  EXPECT_THAT(WarningsOf(kIssued),
              ElementsAre(HasSubstr("auth.callers.issued_keys: are kept in "
                                    "memory, and a restart forgets them")));
  // Where there is a Redis it is the first choice.
  EXPECT_THAT(WarningsOf(kIssued), ElementsAre(HasSubstr("; set runtime.")));
  EXPECT_THAT(
      WarningsOf(absl::StrCat(kIssued, "redis: {addresses: ['cache:6379']}\n")),
      ElementsAre(HasSubstr("; set store.engine: redis, runtime.")));
  EXPECT_THAT(WarningsOf(absl::StrCat(kIssued, "runtime: {state_dir: kept}\n")),
              IsEmpty());
  EXPECT_THAT(WarningsOf(absl::StrCat(kIssued, "store: {file: a.db}\n")),
              IsEmpty());
  EXPECT_THAT(WarningsOf("store: {engine: memory}\n"), IsEmpty());
}

}  // namespace
}  // namespace gateway
