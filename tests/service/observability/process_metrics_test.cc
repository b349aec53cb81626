#include "service/observability/process_metrics.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/access_log.h"
#include "service/observability/call_record.h"
#include "service/observability/metrics.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class ProcessMetricsTest : public testing::Test {
 protected:
  // The one metric of a family.
  MetricValue Read(const std::string& name) {
    MetricsSnapshot snapshot = registry_.Read();
    for (MetricFamilyValue& family : snapshot.families) {
      if (family.name == name) return std::move(family.metrics.at(0));
    }
    ADD_FAILURE() << "no " << name;
    return {};
  }

  FakeClock clock_;
  MetricRegistry registry_{clock_};
};

TEST_F(ProcessMetricsTest, SayWhatRunsAndSinceWhen) {
  AddProcessMetrics({.version = "1.2.3"}, clock_, registry_);
  const double start =
      absl::ToDoubleSeconds(clock_.WallTime() - absl::UnixEpoch());
  clock_.Advance(absl::Hours(1));
  const MetricValue info = Read("llmgw_build_info");
  EXPECT_EQ(info.number, 1);
  EXPECT_THAT(info.labels, ElementsAre(Pair("version", "1.2.3")));
  EXPECT_EQ(Read("process_start_time_seconds").number, start);
}

TEST_F(ProcessMetricsTest, ReadTheProcess) {
  AddProcessMetrics({}, clock_, registry_);
  EXPECT_GT(Read("process_resident_memory_bytes").number, 1 << 16);
  EXPECT_GE(Read("process_virtual_memory_bytes").number,
            Read("process_resident_memory_bytes").number);
  EXPECT_GE(Read("llmgw_allocated_memory_bytes").number, 0);
  EXPECT_GE(Read("process_open_fds").number, 1);
  EXPECT_GT(Read("process_max_fds").number, Read("process_open_fds").number);
  EXPECT_GE(Read("process_threads").number, 1);
  const double cpu_seconds = Read("process_cpu_seconds_total").number;
  EXPECT_GE(Read("process_cpu_seconds_total").number, cpu_seconds);
  EXPECT_EQ(Read("llmgw_log_lines_dropped_total").number, 0);
}

TEST_F(ProcessMetricsTest, CountTheLinesThatTheAccessLogLost) {
  absl::StatusOr<std::unique_ptr<AccessLog>> log =
      AccessLog::Open({.file = "/dev/full"});
  ASSERT_TRUE(log.ok());
  AddProcessMetrics({.access_log = log->get()}, clock_, registry_);
  EXPECT_EQ(Read("llmgw_access_log_dropped_total").number, 0);
  (*log)->AddShard().Write(CallRecord());
  ASSERT_TRUE((*log)->Flush(absl::Seconds(50)));
  EXPECT_EQ(Read("llmgw_access_log_dropped_total").number, 1);
}

}  // namespace
}  // namespace gateway
