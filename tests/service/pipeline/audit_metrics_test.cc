#include "service/pipeline/audit_metrics.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/audit/audit_log.h"
#include "service/audit/audit_policy.h"
#include "service/observability/metrics_text.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(AuditMetricsTest, TellsWhatIsWrittenAndWhatIsLost) {
  FakeClock clock;
  auto redactor = BodyRedactor::Make({});
  ASSERT_TRUE(redactor.ok());
  const std::string path = testing::TempDir() + "/audit_metrics.db";
  auto log = AuditLog::Open({.store = {.path = path}, .queue_bytes_limit = 1},
                            std::make_shared<AuditPolicy>(*std::move(redactor)),
                            clock);
  ASSERT_TRUE(log.ok()) << log.status();
  MetricRegistry registry(clock);
  AddAuditMetrics(**log, registry);
  (*log)->Add(AuditEntry());  // For which there is no room.
  (*log)->LeaveOut(/*caller_known=*/false);
  (*log)->LeaveOut(/*caller_known=*/false);
  (*log)->LeaveOut(/*caller_known=*/true);
  const std::string text = MetricsText(registry.Read());
  EXPECT_THAT(text, HasSubstr("llmgw_audit_entries_total 0\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_audit_dropped_total 1\n"));
  EXPECT_THAT(text,
              HasSubstr("llmgw_audit_unknown_callers_left_out_total 2\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_audit_refusals_left_out_total 1\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_audit_bodies_dropped_total 0\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_audit_deleted_total 0\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_audit_write_failures_total 0\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_audit_waiting 0\n"));
  log->reset();
  for (const char* const suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(path + suffix);
  }
}

}  // namespace
}  // namespace gateway
