#include "service/pipeline/limit_metrics.h"

#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/limits/limit_charges.h"
#include "service/limits/limit_rules.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

TEST(LimitMetricsTest, EachLimitTellsWhatItRefusedAndHowFullItIs) {
  CurrentRuntime current(MakeTestRuntime(
      "providers: [{name: mock, mock: {}}]\n"
      "rate_limits:\n"
      "- {name: rpm, unit: requests, limit: 4, window: 744h}\n"
      "- {name: calls, unit: concurrent_calls, limit: 2}\n"
      "- {name: seen, unit: requests, limit: 1, window: 744h, mode: "
      "observe}\n"));
  FakeClock clock;
  MetricRegistry registry(clock);
  AddLimitMetrics(current, registry);
  const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
  const auto take = [&](LimitCharges& charges) {
    LimitSubject subject(runtime->limits().secret());
    runtime->limits().AskForCall(subject, {}, charges);
    LimitCharges::Taking taking = charges.Take(runtime->clock().SteadyTime());
    return taking.await_ready() && taking.await_resume();
  };
  LimitCharges first(runtime->counter_stores());
  LimitCharges second(runtime->counter_stores());
  LimitCharges third(runtime->counter_stores());
  EXPECT_TRUE(take(first));
  EXPECT_TRUE(take(second));
  EXPECT_FALSE(take(third)) << "two calls at once";

  std::map<std::string, double> read;
  for (const MetricFamilyValue& family : registry.Read().families) {
    for (const MetricValue& metric : family.metrics) {
      std::string labels;
      for (const auto& [name, value] : metric.labels) {
        absl::StrAppend(&labels, labels.empty() ? "" : ",", value);
      }
      read[absl::StrCat(family.name, "{", labels, "}")] = metric.number;
    }
  }
  EXPECT_EQ(read["llmgw_limit_refusals_total{rpm,enforce}"], 0);
  EXPECT_EQ(read["llmgw_limit_refusals_total{calls,enforce}"], 1);
  EXPECT_EQ(read["llmgw_limit_refusals_total{seen,observe}"], 1);
  EXPECT_EQ(read["llmgw_limit_subjects{rpm}"], 1);
  EXPECT_NEAR(read["llmgw_limit_filled_ratio{rpm}"], 0.5, 0.001);
  EXPECT_EQ(read["llmgw_limit_filled_ratio{calls}"], 1);
  EXPECT_EQ(read.count("llmgw_limit_subjects{key}"), 0);
}

}  // namespace
}  // namespace gateway
