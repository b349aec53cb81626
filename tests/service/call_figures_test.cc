#include "service/call_figures.h"

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics_text.h"
#include "service/summary/call_summary.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

namespace configv1 = ::llmgateway::config::v1;

configv1::GatewayConfig ConfigWithLimits() {
  configv1::GatewayConfig config;
  configv1::MetricsConfig& metrics = *config.mutable_metrics();
  metrics.set_model_labels_limit(10);
  metrics.set_caller_labels_limit(10);
  metrics.set_agent_labels_limit(10);
  metrics.set_project_labels_limit(1);
  metrics.set_groups_limit(10);
  metrics.set_history_hours(7);
  metrics.set_recent_requests_limit(0);
  return config;
}

TEST(CallFiguresTest, SumsHaveTheLimitsOfTheConfiguration) {
  MetricRegistry registry(SystemClock());
  const auto summary = OpenCallSummary(ConfigWithLimits(), "", registry);
  EXPECT_EQ(summary->history_hours(), 7);
  EXPECT_FALSE(summary->has_file());
  const CallSummary::Shard shard = summary->AddShard();
  EXPECT_FALSE(shard.recent.enabled());
  CallTotals one;
  one.Add(Figure::kSucceeded, 1);
  for (const char* const project : {"a", "b"}) {
    shard.sums.Count({.project_id = project}, one, SystemClock().WallTime());
  }
  const SummaryAnswer answer =
      summary->Sum({.group_by = {CallDimension::kProject}});
  ASSERT_EQ(answer.groups.size(), 2u);
  EXPECT_EQ(answer.groups[1].project_id, "other");
}

TEST(CallFiguresTest, SumsAreKeptInTheFolderOfTheGatewaysOwn) {
  const std::string folder = testing::TempDir() + "/call_figures";
  std::filesystem::create_directory(folder);
  configv1::GatewayConfig config = ConfigWithLimits();
  config.mutable_runtime()->set_state_dir("call_figures");
  MetricRegistry registry(SystemClock());
  const std::string file = testing::TempDir() + "/gateway.yaml";
  {
    const auto summary = OpenCallSummary(config, file, registry);
    EXPECT_TRUE(std::filesystem::exists(folder + "/summary.db"));
    EXPECT_THAT(MetricsText(registry.Read()),
                HasSubstr("llmgw_summary_failed_writes_total 0\n"));
  }
  std::filesystem::remove_all(folder);
  MetricRegistry another(SystemClock());
  const auto summary = OpenCallSummary(config, file, another);
  EXPECT_TRUE(summary->write_fails());
  EXPECT_THAT(MetricsText(another.Read()),
              HasSubstr("llmgw_summary_failed_writes_total 1\n"));
}

TEST(CallFiguresTest, OtherNamesAreServedOnRequest) {
  CallRecord record;
  record.operation = "POST /v1/messages";
  for (const bool compatible : {false, true}) {
    configv1::GatewayConfig config = ConfigWithLimits();
    config.mutable_metrics()->set_compatible_names(compatible);
    MetricRegistry registry(SystemClock());
    const std::unique_ptr<CallMetrics> metrics =
        MakeCallMetrics(config.metrics(), registry);
    metrics->AddShard().Count(record);
    const std::string text = MetricsText(registry.Read());
    if (compatible) {
      EXPECT_THAT(text, HasSubstr("llm_gateway_requests_total{"));
      EXPECT_THAT(text, HasSubstr("llm_gateway_requests_in_progress{"));
    } else {
      EXPECT_THAT(text, Not(HasSubstr("llm_gateway_")));
    }
  }
}

}  // namespace
}  // namespace gateway
