#include "service/pipeline/runtime_metrics.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::Contains;

TEST(RuntimeMetricsTest, TellOfAllThatIsConfigured) {
  FakeClock clock;
  MetricRegistry registry(clock);
  const CurrentRuntime current(
      MakeTestRuntime("providers: [{name: mock, models: [m], mock: {}}]\n"
                      "rate_limits: [{name: rpm, unit: requests, limit: 5}]\n"
                      "cache: {}\n"
                      "overload: {concurrency: {calls_limit: 7}}\n"
                      "auth:\n"
                      "  callers:\n"
                      "    api_keys: [{id: a, key: 'env:A'}]\n"
                      "    issued_keys: {}\n",
                      {{"A", "key-of-a-caller-0123"}}));
  AddRuntimeMetrics(current, /*model_labels_limit=*/10, registry);
  CallerHead head;
  head.api_key = "key-of-a-caller-0123";
  current.Get()->callers().Authorize(head).IgnoreError();
  std::set<std::string> names;
  for (const MetricFamilyValue& family : registry.Read().families) {
    names.insert(std::string(family.name));
  }
  EXPECT_THAT(names, Contains("llmgw_overload_calls_limit"));
  EXPECT_THAT(names, Contains("llmgw_cache_entries"));
  EXPECT_THAT(names, Contains("llmgw_authentications_total"));
  EXPECT_THAT(names, Contains("llmgw_issued_keys_limit"));
  EXPECT_THAT(names, Contains(testing::StartsWith("llmgw_limit")));
}

}  // namespace
}  // namespace gateway
