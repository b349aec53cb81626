#include "service/shared_operators.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "providers/registry/all_providers.h"
#include "service/api/component_board.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "service/config/snapshot.h"
#include "service/pipeline/current_runtime.h"
#include "service/state/state_store.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/postgres_server.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr std::string_view kSharedProviders =
    "providers: [{name: mock, mock: {}}]\n";

// How replicas hear of each other is in operator_state_share_test.cc, and of
// whole gateways in shared_operators_test.py.
class SharedOperatorsTest : public testing::Test {
 protected:
  static std::shared_ptr<const ConfigSnapshot> Configured(
      const std::string& more) {
    const ConfigReading reading =
        ReadConfigText(AllProviderKinds(), std::string(kSharedProviders) + more,
                       "gateway.yaml", {}, absl::UnixEpoch());
    for (const ConfigProblem& problem : reading.problems) {
      ADD_FAILURE() << problem.ToString();
    }
    return reading.snapshot;
  }

  v1::ComponentHealth::State state() {
    for (const v1::ComponentHealth& each : board_.Read()) {
      if (each.name() == "operators") return each.state();
    }
    return v1::ComponentHealth::STATE_UNSPECIFIED;
  }

  ComponentBoard board_;
  LoopThread thread_;
  CurrentRuntime runtime_{MakeTestRuntime(kSharedProviders)};
  StateStore forgetful_;
  BlockingWorker worker_{{.name = "worker"}};
};

TEST_F(SharedOperatorsTest, WhereNothingIsSharedNobodyIsAsked) {
  SharedOperators shared;
  shared.Open(*Configured(""), &board_);
  shared.Follow(thread_.loop(), runtime_, forgetful_, worker_);
  shared.Stop();
}

TEST_F(SharedOperatorsTest, ARedisThatNobodyReachesHoldsNobodyUp) {
  SharedOperators shared;
  shared.Open(*Configured("redis: {addresses: ['a:1']}\n"), &board_);
  shared.Follow(thread_.loop(), runtime_, forgetful_, worker_);
  shared.Stop();
  shared.Stop();  // It has ended.
  // That is told of Redis itself.
  EXPECT_EQ(state(), v1::ComponentHealth::STATE_UNSPECIFIED);
}

TEST_F(SharedOperatorsTest, WithoutARedisTheLedgersDatabaseIsAsked) {
  PostgresServer server;
  const auto config =
      Configured(absl::StrCat("runtime: {state_dir: state}\n"
                              "ledger: {postgres: {connection: '",
                              server.conninfo(), "', schema: ours}}\n"));
  SharedOperators shared;
  shared.Open(*config, &board_);
  EXPECT_EQ(state(), v1::ComponentHealth::STATE_HEALTHY);
  shared.Follow(thread_.loop(), runtime_, forgetful_, worker_);
  server.AskUntil(
      "SELECT schemaname FROM pg_tables WHERE tablename = 'records'", "ours");
  server.Kill();
  while (state() != v1::ComponentHealth::STATE_DEGRADED) {
  }
  server.Restart();
  while (state() != v1::ComponentHealth::STATE_HEALTHY) {
  }
  shared.Stop();
}

TEST_F(SharedOperatorsTest, ARedisComesBeforeTheLedgersDatabase) {
  SharedOperators shared;
  shared.Open(*Configured("redis: {addresses: ['a:1']}\n"
                          "runtime: {state_dir: state}\n"
                          "ledger: {postgres: {connection: 'host=a'}}\n"),
              &board_);
  EXPECT_EQ(state(), v1::ComponentHealth::STATE_UNSPECIFIED);
}

}  // namespace
}  // namespace gateway
