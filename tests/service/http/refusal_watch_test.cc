#include "service/http/refusal_watch.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/http/http_handler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics.h"
#include "service/observability/refusal_log.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class SilentApi final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest&, HttpResponder&) override { co_return; }
};

class RefusalWatchTest : public testing::Test {
 protected:
  // All that was counted under a name, whatever the labels.
  double Count(std::string_view name) {
    double count = 0;
    for (const MetricFamilyValue& family : registry_.Read().families) {
      if (family.name != name) continue;
      for (const MetricValue& metric : family.metrics) count += metric.number;
    }
    return count;
  }

  FakeClock clock_;
  MetricRegistry registry_{clock_};
  RefusalLog log_{"http", registry_, clock_};
  RefusalWatch watch_{log_, std::make_unique<SilentApi>()};
};

TEST_F(RefusalWatchTest, WhatTheServerRefusesIsCountedAndHasAnId) {
  const HttpField fields[] = {{"x-request-id", "mine"}};
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/messages";
  request.fields = fields;
  const HttpHandler::Refusal refusal =
      watch_.RefuseRequest(413, request, "192.0.2.1:1", "too large");
  EXPECT_THAT(refusal.body, HasSubstr("too large"));
  ASSERT_THAT(refusal.fields, SizeIs(1));
  EXPECT_EQ(refusal.fields[0].name, "x-request-id");
  EXPECT_EQ(refusal.fields[0].value, "mine");
  // Of a head that has not come whole nothing is known.
  const HttpHandler::Refusal nameless =
      watch_.RefuseRequest(431, HttpRequest(), "192.0.2.1:1", "too many");
  ASSERT_THAT(nameless.fields, SizeIs(1));
  EXPECT_THAT(nameless.fields[0].value, SizeIs(32));
  EXPECT_EQ(Count("llmgw_requests_refused_total"), 2);
}

TEST_F(RefusalWatchTest, HandshakesThatFailAreCounted) {
  watch_.HandshakeFailed("192.0.2.1:1", absl::UnavailableError("no cipher"));
  EXPECT_EQ(Count("llmgw_tls_handshakes_failed_total"), 1);
}

TEST_F(RefusalWatchTest, ConnectionsThatAreClosedForAFloodAreCounted) {
  watch_.ConnectionFlooded("192.0.2.1:1", absl::AbortedError("resets"));
  EXPECT_EQ(Count("llmgw_http2_floods_total"), 1);
}

}  // namespace
}  // namespace gateway
