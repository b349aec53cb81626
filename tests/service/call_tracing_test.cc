#include "service/call_tracing.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_reader.h"
#include "service/observability/metrics.h"

namespace gateway {
namespace {

std::shared_ptr<const ConfigSnapshot> TracingConfigured(
    const std::string& tracing) {
  const ConfigReading reading = ReadConfigText(
      AllProviderKinds(),
      absl::StrCat("providers: [{name: mock, mock: {}}]\n", tracing),
      "gateway.yaml", {{"TOKEN", "t"}}, absl::UnixEpoch());
  EXPECT_NE(reading.snapshot, nullptr);
  return reading.snapshot;
}

TEST(CallTracingTest, WithoutTheSectionThereIsNone) {
  MetricRegistry registry(SystemClock());
  CallTracing tracing;
  ASSERT_TRUE(tracing.Open(*TracingConfigured(""), registry).ok());
  EXPECT_EQ(tracing.tracer(), nullptr);
  EXPECT_EQ(tracing.exporter(), nullptr);
  tracing.Stop();
}

TEST(CallTracingTest, WithoutAnEndpointTracesAreKept) {
  MetricRegistry registry(SystemClock());
  CallTracing tracing;
  ASSERT_TRUE(tracing.Open(*TracingConfigured("tracing: {}\n"), registry).ok());
  ASSERT_NE(tracing.tracer(), nullptr);
  EXPECT_TRUE(tracing.tracer()->store().enabled());
  EXPECT_EQ(tracing.exporter(), nullptr);
}

TEST(CallTracingTest, WithOneTheyAreExported) {
  MetricRegistry registry(SystemClock());
  CallTracing tracing;
  ASSERT_TRUE(tracing
                  .Open(*TracingConfigured(
                            "tracing:\n"
                            "  endpoint: http://127.0.0.1:4317\n"
                            "  headers: [{name: x-t, value: 'env:TOKEN'}]\n"
                            "  store: {traces_limit: 0}\n"),
                        registry)
                  .ok());
  ASSERT_NE(tracing.tracer(), nullptr);
  EXPECT_FALSE(tracing.tracer()->store().enabled());
  EXPECT_NE(tracing.exporter(), nullptr);
}

TEST(CallTracingTest, AuthoritiesThatCannotBeReadAreNamed) {
  MetricRegistry registry(SystemClock());
  CallTracing tracing;
  const absl::Status status =
      tracing.Open(*TracingConfigured("tracing: {endpoint: 'https://c:4317', "
                                      "ca_file: /nowhere/ca.pem}\n"),
                   registry);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("/nowhere/ca.pem"), std::string::npos)
      << status;
}

}  // namespace
}  // namespace gateway
