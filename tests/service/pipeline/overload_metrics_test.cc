#include "service/pipeline/overload_metrics.h"

#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "gtest/gtest.h"
#include "service/identity/caller.h"
#include "service/observability/metrics.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/current_runtime.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class OverloadMetricsTest : public testing::Test {
 protected:
  // Of a gateway with this configuration beside a provider.
  std::map<std::string, double> Read(const std::string& config) {
    current_.Swap(MakeTestRuntime(
        absl::StrCat("providers: [{name: mock, mock: {}}]\n", config)));
    AddOverloadMetrics(current_, registry_);
    permit_ =
        current_.Get()->overload() == nullptr
            ? std::nullopt
            : current_.Get()->overload()->TryEnter(CallerPriority::kNormal);
    std::map<std::string, double> read;
    for (const MetricFamilyValue& family : registry_.Read().families) {
      for (const MetricValue& metric : family.metrics) {
        std::string labels;
        for (const auto& [name, value] : metric.labels) {
          absl::StrAppend(&labels, labels.empty() ? "" : ",", value);
        }
        read[absl::StrCat(family.name, "{", labels, "}")] = metric.number;
      }
    }
    return read;
  }

  FakeClock clock_;
  MetricRegistry registry_{clock_};
  CurrentRuntime current_{
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n")};
  std::optional<OverloadControl::Permit> permit_;
};

TEST_F(OverloadMetricsTest, TellOfCallsAndMemory) {
  std::string folder = absl::StrCat(testing::TempDir(), "metrics.XXXXXX");
  const std::string root = mkdtemp(folder.data());
  EXPECT_TRUE(ReplaceFile(absl::StrCat(root, "/memory.max"), "1000").ok());
  EXPECT_TRUE(ReplaceFile(absl::StrCat(root, "/memory.current"), "475").ok());
  const std::map<std::string, double> read = Read(absl::StrCat(
      "overload: {concurrency: {calls_limit: 7}, memory: ", "{cgroup_root: '",
      root, "'}}\n"));
  EXPECT_EQ(read.at("llmgw_overload_active_calls{}"), 1);
  EXPECT_EQ(read.at("llmgw_overload_calls_limit{}"), 7);
  EXPECT_EQ(read.at("llmgw_overload_waiting_calls{critical}"), 0);
  EXPECT_EQ(read.at("llmgw_overload_waited_calls_total{high}"), 0);
  EXPECT_EQ(read.at("llmgw_overload_shed_calls_total{low,too_many_wait}"), 0);
  EXPECT_EQ(read.at("llmgw_overload_shed_calls_total{low,waited_too_long}"), 0);
  EXPECT_EQ(read.at("llmgw_overload_shed_calls_total{normal,memory}"), 0);
  EXPECT_EQ(read.at("llmgw_memory_pressure{}"), 0);
  EXPECT_EQ(read.at("llmgw_memory_fill_ratio{}"), 0.5);
}

TEST_F(OverloadMetricsTest, WhereOnlyMemoryIsLimitedThereIsNoLimitOfCalls) {
  const std::map<std::string, double> read = Read("overload: {memory: {}}\n");
  EXPECT_EQ(read.at("llmgw_overload_active_calls{}"), 1);
  EXPECT_FALSE(read.contains("llmgw_overload_calls_limit{}"));
}

TEST_F(OverloadMetricsTest, WithoutLimitsThereAreNone) {
  EXPECT_TRUE(Read("").empty());
}

}  // namespace
}  // namespace gateway
