#include "service/pipeline/configured_models.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/target_board.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr char kNamesModels[] =
    "providers:\n"
    "- {name: a, mock: {}, models: [listed, alias],\n"
    "   model_aliases: {alias: meant},\n"
    "   resilience: {models: [{model: special, retry: {attempts_limit: 1}}]}}\n"
    "- {name: b, mock: {}}\n"
    "- {name: c, mock: {}}\n"
    "routing:\n"
    "  model_rules:\n"
    "  - {exact: exactly, targets: [b], fallbacks: [b/of-rule]}\n"
    "  - {prefix: 'p-', targets: [c, a/alias]}\n"
    "  default_target: b/default\n"
    "  fallbacks: [b/fallback, c]\n"
    "  failure_fallbacks: {rate_limit: [b/limited]}\n"
    "  selection:\n"
    "    policies: [{id: x, target: b/policy}]\n";

TEST(ConfiguredModelsTest, AreAllThatAConfigurationNames) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(kNamesModels);
  // A mock that says nothing of its models has one, `mock-model`.
  EXPECT_THAT(
      ConfiguredModelsOf(runtime->config(), runtime->providers()),
      ElementsAre(
          Pair("a", ElementsAre("listed", "meant", "special")),
          Pair("b", ElementsAre("default", "exactly", "fallback", "limited",
                                "mock-model", "of-rule", "policy")),
          Pair("c", ElementsAre("mock-model"))));
}

TEST(ConfiguredModelsTest, KeepBreakersOfTheirOwnWhateverCallersName) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(kNamesModels);
  TargetBoard& targets = runtime->resilience().targets;
  for (const char* provider : {"a", "b", "c"}) {
    for (size_t i = 0; i < TargetBoard::kTargetsMax; ++i) {
      targets.Find(provider, "made up " + std::to_string(i));
    }
    EXPECT_EQ(targets.Find(provider, "one more").model, "");
  }
  for (const auto& [provider, models] :
       ConfiguredModelsOf(runtime->config(), runtime->providers())) {
    for (const std::string& model : models) {
      EXPECT_EQ(targets.Find(provider, model).model, model) << provider;
    }
  }
}

}  // namespace
}  // namespace gateway
