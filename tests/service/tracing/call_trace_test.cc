#include "service/tracing/call_trace.h"

#include <memory>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

constexpr std::string_view kSampled =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr std::string_view kNotSampled =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

class CallTraceTest : public testing::Test {
 protected:
  std::unique_ptr<CallTrace> Begin(std::string_view parent,
                                   std::string_view state = "",
                                   double ratio = 1) {
    return CallTrace::Begin(parent, state, SampledShare(ratio), random_);
  }

  FakeRandom random_{3};
};

TEST_F(CallTraceTest, BeginsATraceWhereTheCallerNamesNone) {
  const auto one = Begin("");
  const auto other = Begin("00-nonsense", "a=b");
  for (const auto* trace : {&one, &other}) {
    EXPECT_TRUE((*trace)->records());
    EXPECT_TRUE((*trace)->trace().is_set());
    EXPECT_EQ((*trace)->id_text(), TraceIdText((*trace)->trace()));
    EXPECT_EQ((*trace)->parent(), 0u);
    EXPECT_NE((*trace)->span(), 0u);
    EXPECT_EQ((*trace)->flags(), kSampledFlag | kRandomFlag);
    // A state without its parent means nothing.
    EXPECT_EQ((*trace)->state(), "");
  }
  EXPECT_NE(one->id_text(), other->id_text());
}

TEST_F(CallTraceTest, GoesOnInTheCallersTrace) {
  const auto trace = Begin(kSampled, "congo=t61rcWkgMzE");
  EXPECT_EQ(trace->id_text(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(trace->parent(), 0x00f067aa0ba902b7u);
  EXPECT_NE(trace->span(), trace->parent());
  EXPECT_EQ(trace->state(), "congo=t61rcWkgMzE");
  EXPECT_TRUE(trace->sampled());
  const SpanId attempt = trace->NewSpan(random_);
  const TraceParent told = trace->ParentOf(attempt);
  EXPECT_EQ(told.trace, trace->trace());
  EXPECT_EQ(told.span, attempt);
  EXPECT_TRUE(told.sampled());
}

TEST_F(CallTraceTest, TheCallerSaysWhetherItsTraceIsSampled) {
  EXPECT_TRUE(Begin(kSampled, "", 0)->sampled());
  EXPECT_FALSE(Begin(kNotSampled, "", 1)->sampled());
}

TEST_F(CallTraceTest, AStateThatIsNoneIsDropped) {
  EXPECT_EQ(Begin(kSampled, "UPPER=1")->state(), "");
}

TEST_F(CallTraceTest, PassesOnWhatTheCallerNames) {
  const auto trace = CallTrace::PassOn(kNotSampled, "a=b");
  ASSERT_NE(trace, nullptr);
  EXPECT_FALSE(trace->records());
  EXPECT_EQ(trace->NewSpan(random_), 0u);
  const TraceParent told = trace->ParentOf(0);
  EXPECT_EQ(told.span, 0x00f067aa0ba902b7u);
  EXPECT_FALSE(told.sampled());
  EXPECT_EQ(CallTrace::PassOn("", "a=b"), nullptr);
}

TEST_F(CallTraceTest, AShareOfNewTracesIsSampled) {
  EXPECT_TRUE(Begin("", "", 1)->sampled());
  EXPECT_FALSE(Begin("", "", 0)->sampled());
  int sampled = 0;
  constexpr int kCalls = 10000;
  for (int i = 0; i < kCalls; ++i) sampled += Begin("", "", 0.1)->sampled();
  EXPECT_NEAR(sampled, kCalls / 10.0, 120);  // Four standard deviations.
}

TEST_F(CallTraceTest, TheSameShareIsSampledEverywhere) {
  // OpenTelemetry's: the last 56 bits are at least 1 less the share.
  const TraceId largest = {.high = 1, .low = 0x00ffffffffffffff};
  const TraceId middle = {.high = 1, .low = 0x0080000000000000};
  const TraceId below = {.high = 1, .low = 0xff7fffffffffffff};
  EXPECT_TRUE(SampledShare(0.001).Has(largest));
  EXPECT_TRUE(SampledShare(0.5).Has(middle));
  EXPECT_FALSE(SampledShare(0.5).Has(below));
  EXPECT_FALSE(SampledShare(0).Has(largest));
  EXPECT_TRUE(SampledShare(1).Has({.high = 1, .low = 0}));
}

}  // namespace
}  // namespace gateway
