#include "service/shared_operators.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "service/config/snapshot.h"
#include "service/pipeline/current_runtime.h"
#include "service/state/state_store.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

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

  LoopThread thread_;
  CurrentRuntime runtime_{MakeTestRuntime(kSharedProviders)};
  StateStore forgetful_;
  BlockingWorker worker_{{.name = "worker"}};
};

TEST_F(SharedOperatorsTest, WhereNothingIsSharedNobodyIsAsked) {
  SharedOperators shared;
  shared.Open(*Configured(""));
  shared.Follow(thread_.loop(), runtime_, forgetful_, worker_);
  shared.Stop();
}

TEST_F(SharedOperatorsTest, ARedisThatNobodyReachesHoldsNobodyUp) {
  SharedOperators shared;
  shared.Open(*Configured("redis: {addresses: ['a:1']}\n"));
  shared.Follow(thread_.loop(), runtime_, forgetful_, worker_);
  shared.Stop();
  shared.Stop();  // It has ended.
}

}  // namespace
}  // namespace gateway
