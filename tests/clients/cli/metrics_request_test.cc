#include "clients/cli/metrics_request.h"

#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/metrics.pb.h"
#include "llmgateway/v1/summary.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(MetricsRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  std::ostringstream out;
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{}, {"list"}, {"cost", "x"}}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(PrintMetrics(nobody, {.words = wrong}, out)));
  }
  for (const std::vector<std::string>& meant :
       {std::vector<std::string>{"show", "x"}, {"watch"}, {"cost"}}) {
    EXPECT_THAT(PrintMetrics(nobody, {.words = meant}, out).ToString(),
                HasSubstr("127.0.0.1:1"));
  }
  EXPECT_EQ(out.str(), "");
}

TEST(MetricsRequestTest, NamesAndTimesAreWhatIsSaid) {
  const auto shown = GetMetricsRequestOf(
      {.words = {"show", "a", "b"}, .flags = {{"--window", "5m"}}});
  ASSERT_TRUE(shown.ok());
  EXPECT_THAT(shown->names(), ElementsAre("a", "b"));
  EXPECT_EQ(shown->window().seconds(), 300);
  EXPECT_FALSE(GetMetricsRequestOf({.words = {"show"}})->has_window());
  const auto watched = StreamMetricsRequestOf(
      {.words = {"watch"}, .flags = {{"--interval", "2.5s"}}});
  ASSERT_TRUE(watched.ok());
  EXPECT_EQ(watched->interval().seconds(), 2);
  EXPECT_EQ(watched->interval().nanos(), 500000000);
  for (const char* const wrong : {"5", "soon", "-5m", "0s", "25h"}) {
    EXPECT_THAT(
        GetMetricsRequestOf({.words = {"show"}, .flags = {{"--window", wrong}}})
            .status()
            .ToString(),
        HasSubstr("--window must be a time"))
        << wrong;
  }
}

TEST(MetricsRequestTest, AMetricThatIsNotThereIsAMistakeThatNamesThose) {
  v1::GetMetricsResponse all;
  all.add_families()->set_name("llm_errors_total");
  all.add_families()->set_name("llm_request_total");
  EXPECT_TRUE(CheckMetricNames({}, all).ok());
  EXPECT_TRUE(CheckMetricNames({"llm_request_total"}, all).ok());
  const absl::Status refused =
      CheckMetricNames({"llm_request_total", "llm_requests_total"}, all);
  EXPECT_TRUE(absl::IsNotFound(refused));
  EXPECT_EQ(refused.message(),
            "the gateway has no metric 'llm_requests_total', or it has not "
            "moved yet; those that have:\n"
            "  llm_errors_total\n  llm_request_total");
}

TEST(MetricsRequestTest, CostsAreToldApartAndChosen) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const auto request =
      CostSummaryRequestOf({.words = {"cost"},
                            .flags = {{"--by", "provider,model"},
                                      {"--bucket", "day"},
                                      {"--since", "24h"},
                                      {"--until", "2027-01-31T00:00:00Z"},
                                      {"--caller", "team"},
                                      {"--limit", "7"}}},
                           now);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_THAT(request->group_by(), ElementsAre(v1::CALL_DIMENSION_PROVIDER,
                                               v1::CALL_DIMENSION_MODEL));
  EXPECT_EQ(request->bucket(), v1::GetCostSummaryRequest::BUCKET_DAY);
  EXPECT_EQ(request->start_time().seconds(), 1'800'000'000 - 24 * 3600);
  EXPECT_EQ(request->end_time().seconds(), 1801353600);
  EXPECT_EQ(request->filter().caller(), "team");
  EXPECT_EQ(request->groups_limit(), 7);
  const auto wrong = [now](const char* flag, const char* value) {
    return CostSummaryRequestOf({.words = {"cost"}, .flags = {{flag, value}}},
                                now)
        .status()
        .ToString();
  };
  EXPECT_THAT(wrong("--by", "provider,colour"), HasSubstr("not 'colour'"));
  EXPECT_THAT(wrong("--bucket", "week"), HasSubstr("hour or day, not 'week'"));
  EXPECT_THAT(wrong("--since", "soon"), HasSubstr("how long ago"));
  EXPECT_THAT(wrong("--limit", "1001"), HasSubstr("1 to 1000"));
}

TEST(MetricsRequestTest, ATableHasNumbersAndWhatHistogramsSay) {
  v1::GetMetricsResponse response;
  response.mutable_read_time()->set_seconds(1'800'000'000);
  v1::MetricFamily& calls = *response.add_families();
  calls.set_name("calls_total");
  v1::Metric& call = *calls.add_metrics();
  (*call.mutable_labels())["provider"] = "openai";
  (*call.mutable_labels())["code"] = "OK";
  call.set_number(3);
  v1::MetricFamily& seconds = *response.add_families();
  seconds.set_name("seconds");
  v1::Histogram& histogram = *seconds.add_metrics()->mutable_histogram();
  histogram.set_count(100);
  histogram.set_sum(50);
  for (const auto& [bound, count] :
       {std::pair(0.1, 50), std::pair(1.0, 90), std::pair(2.0, 98)}) {
    v1::HistogramBucket& bucket = *histogram.add_buckets();
    bucket.set_upper_bound(bound);
    bucket.set_count(count);
  }
  EXPECT_EQ(MetricsTable(response),
            "read 2027-01-15T08:00:00Z\n"
            "\n"
            "METRIC       LABELS                   VALUE\n"
            "calls_total  code=OK provider=openai  3\n"
            "\n"
            "METRIC   LABELS  COUNT  MEAN  P50    P90  P99\n"
            "seconds  -       100    0.5   <=0.1  <=1  >2\n");
  response.mutable_window_start_time()->set_seconds(1'799'999'940);
  EXPECT_THAT(MetricsTable(response),
              HasSubstr("added from 2027-01-15T07:59:00Z to "
                        "2027-01-15T08:00:00Z; gauges as they are\n"));
  EXPECT_THAT(MetricsTable({}), HasSubstr("nothing of that name\n"));
}

TEST(MetricsRequestTest, CostsHaveALineForEachGroup) {
  v1::GetCostSummaryRequest request;
  v1::GetCostSummaryResponse response;
  response.mutable_totals()->set_succeeded_count(3);
  response.mutable_totals()->set_failed_count(1);
  response.mutable_totals()->set_input_tokens(30);
  response.mutable_totals()->set_output_tokens(5);
  response.mutable_totals()->set_cost_usd_nanos(1'500'000'001);
  EXPECT_EQ(CostTable(request, response),
            "     CALLS  FAILED  INPUT  OUTPUT  UNPRICED  USD\n"
            "all  4      1       30     5       0         1.500000001\n");
  request.add_group_by(v1::CALL_DIMENSION_MODEL);
  v1::CostGroup& group = *response.add_groups();
  group.mutable_group()->set_model("m");
  *group.mutable_totals() = response.totals();
  *response.mutable_rest() = v1::CallTotals();
  EXPECT_EQ(CostTable(request, response),
            "MODEL     CALLS  FAILED  INPUT  OUTPUT  UNPRICED  USD\n"
            "m         4      1       30     5       0         1.500000001\n"
            "the rest  0      0       0      0       0         0\n"
            "all       4      1       30     5       0         1.500000001\n");
  request.set_bucket(v1::GetCostSummaryRequest::BUCKET_HOUR);
  v1::CostBucket& bucket = *response.add_buckets();
  bucket.mutable_start_time()->set_seconds(1'800'000'000);
  *bucket.add_groups() = group;
  response.clear_rest();
  EXPECT_THAT(CostTable(request, response),
              HasSubstr("2027-01-15T08:00:00Z  m      4 "));
}

}  // namespace
}  // namespace gateway
