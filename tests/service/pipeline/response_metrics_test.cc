#include "service/pipeline/response_metrics.h"

#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics_text.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(ResponseMetricsTest, TellsWhatIsNotKeptByWhy) {
  FakeClock clock;
  ResponseStore store(
      {.ttl = absl::Hours(1), .entries = 9, .size_bytes = 100}, clock);
  MetricRegistry registry(clock);
  AddResponseMetrics(store, registry);
  store.Put("alice", "a", {.response = std::string(100, 'x')});
  store.Put("alice", "b", {.response = std::string(101, 'x')});
  const std::string text = MetricsText(registry.Read());
  const std::string name = "llmgw_responses_not_kept_total";
  EXPECT_THAT(text, HasSubstr(name + "{reason=\"too_large\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "{reason=\"store\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(name + "{reason=\"record_too_large\"} 0\n"));
}

TEST(ResponseMetricsTest, TellsHowMuchIsKeptAndWhatMadeRoom) {
  FakeClock clock;
  ResponseStore store({.ttl = absl::Hours(1), .entries = 2, .size_bytes = 100},
                      clock);
  MetricRegistry registry(clock);
  AddResponseMetrics(store, registry);
  for (const char* id : {"a", "b", "c"}) {
    store.Put("alice", id, {.response = std::string(10, 'x')});
  }
  std::string text = MetricsText(registry.Read());
  EXPECT_THAT(text, HasSubstr("llmgw_response_store_entries 2\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_response_store_bytes 20\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_response_store_evictions_total 1\n"));
  // What has had its time makes no room.
  clock.Advance(absl::Hours(1));
  text = MetricsText(registry.Read());
  EXPECT_THAT(text, HasSubstr("llmgw_response_store_entries 0\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_response_store_evictions_total 1\n"));
}

}  // namespace
}  // namespace gateway
