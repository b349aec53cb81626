#include "service/pipeline/session_metrics.h"

#include <string>

#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics_text.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(SessionMetricsTest, TellHowManyThereAreAndWhatBecameOfThem) {
  LoopRunner runner;
  FakeClock clock;
  FakeRandom random{1};
  MemoryRecordStore records({.records_limit = 100, .bytes_limit = 100'000},
                            clock);
  SessionStore sessions(records, clock, random);
  MetricRegistry registry(clock);
  AddSessionMetrics(sessions, registry);
  CancelSignal never;
  const SessionLimits limits = {.ttl = absl::Hours(1),
                                .sessions = 4,
                                .messages = 9,
                                .session_bytes = 1000,
                                .size_bytes = 1 << 20};
  const auto open = [&](const std::string& owner) {
    return runner.Run(sessions.Create(limits, owner, {}, never)).ok();
  };
  EXPECT_TRUE(open("alice") && open("alice") && open("alice"));
  EXPECT_FALSE(open("alice"));
  EXPECT_TRUE(open("bob"));
  EXPECT_FALSE(open("bob"));
  EXPECT_FALSE(open("bob"));
  const std::string text = MetricsText(registry.Read());
  EXPECT_THAT(text, HasSubstr("\nllmgw_sessions 4\n"));
  EXPECT_THAT(text, HasSubstr("\nllmgw_sessions_opened_total 4\n"));
  EXPECT_THAT(text,
              HasSubstr("llmgw_sessions_refused_total{reason=\"share\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("llmgw_sessions_refused_total{reason=\"limit\"} 2\n"));
  EXPECT_THAT(text,
              HasSubstr("llmgw_session_turns_total{outcome=\"kept\"} 0\n"));
}

}  // namespace
}  // namespace gateway
