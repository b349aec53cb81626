#include "service/tracing/tracer.h"

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/service/tracing/traced_calls.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

constexpr std::string_view kSampledParent =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr std::string_view kUnsampledParent =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

class TracerTest : public testing::Test {
 protected:
  Tracer::Options Options() const {
    return {.loops = 2,
            .sampling_ratio = 0,
            .slow_threshold = absl::Seconds(60),
            .store = {.traces = 100, .bytes = size_t{1} << 20},
            .exports = true,
            .queue = {.spans_max = 1000, .batch_spans = 100}};
  }
  // Whether it is kept, and exported.
  bool Keeps(TestCall& call) {
    Tracer tracer(Options(), clock_, random_);
    TraceShard& shard = tracer.shard(0);
    Record(shard, call);
    EXPECT_EQ(tracer.Totals(absl::Hours(24)).all.calls, 1);
    const size_t kept = tracer.store().size().traces;
    EXPECT_EQ(tracer.queue().waiting() > 0, kept > 0);
    EXPECT_EQ(tracer.Totals(absl::Hours(24)).sampled,
              static_cast<int64_t>(kept));
    return kept == 1;
  }

  void Record(TraceShard& shard, TestCall& call) {
    gateway::Record(shard, call, clock_.SteadyTime());
  }

  FakeClock clock_;
  FakeRandom random_{9};
};

TEST_F(TracerTest, OfCallsThatSucceedAShareIsKept) {
  TestCall sampled("", "", 1);
  EXPECT_TRUE(Keeps(sampled));
  TestCall not_sampled("", "", 0);
  EXPECT_FALSE(Keeps(not_sampled));
}

TEST_F(TracerTest, TheCallersTraceSaysWhetherACallIsKept) {
  TestCall sampled(kSampledParent, "", 0);
  EXPECT_TRUE(Keeps(sampled));
  TestCall not_sampled(kUnsampledParent, "", 1);
  EXPECT_FALSE(Keeps(not_sampled));
}

TEST_F(TracerTest, FailedCallsAreAlwaysKept) {
  for (const std::string_view parent : {std::string_view(), kUnsampledParent}) {
    TestCall call(parent, "", 0);
    call.Fail(absl::StatusCode::kUnavailable,
              llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "away");
    EXPECT_TRUE(Keeps(call));
  }
}

TEST_F(TracerTest, SlowCallsAreAlwaysKept) {
  TestCall call("", "", 0);
  call.record.duration = absl::Seconds(60);
  EXPECT_TRUE(Keeps(call));
  call.record.duration = absl::Seconds(60) - absl::Nanoseconds(1);
  EXPECT_FALSE(Keeps(call));
}

TEST_F(TracerTest, CallersWhoAreNotKnownFillNothing) {
  for (const absl::StatusCode code : {absl::StatusCode::kUnauthenticated,
                                      absl::StatusCode::kResourceExhausted}) {
    TestCall call("", "", 0);
    call.Fail(code, llmgateway::v1::ERROR_REASON_API_KEY_INVALID, "who");
    call.record.caller_known = false;
    call.record.duration = absl::Seconds(60);
    EXPECT_FALSE(Keeps(call));
    // That a provider does not know the gateway is another matter.
    call.record.caller_known = true;
    EXPECT_TRUE(Keeps(call));
  }
}

TEST_F(TracerTest, WhatACallerWhoIsNotKnownSaysOfItsTraceCountsForNothing) {
  TestCall call(kSampledParent, "", 1);
  call.record.caller_known = false;
  EXPECT_FALSE(Keeps(call));
}

TEST_F(TracerTest, OfCallersWhoAreNotKnownAFewOfTheShareAreKept) {
  Tracer tracer(Options(), clock_, random_);
  TraceShard& shard = tracer.shard(0);
  TestCall call("", "", 1);
  call.record.caller_known = false;
  for (int i = 0; i < 3 * kUnknownCallersTracedPerSecond; ++i) {
    Record(shard, call);
  }
  EXPECT_EQ(tracer.store().size().traces,
            size_t{kUnknownCallersTracedPerSecond});
  clock_.Advance(absl::Seconds(1));
  Record(shard, call);
  EXPECT_EQ(tracer.store().size().traces,
            size_t{kUnknownCallersTracedPerSecond} + 1);
}

TEST_F(TracerTest, OfRefusalsOfACallerAFewAreKept) {
  Tracer::Options options = Options();
  options.store = {.traces = 1000, .bytes = size_t{16} << 20};
  Tracer tracer(options, clock_, random_);
  TraceShard& shard = tracer.shard(0);
  TestCall call(kSampledParent, "", 1);
  call.Fail(absl::StatusCode::kResourceExhausted,
            llmgateway::v1::ERROR_REASON_BUDGET_EXCEEDED, "nothing is left");
  call.record.refused_caller = 1;
  for (int i = 0; i < 300; ++i) Record(shard, call);
  EXPECT_EQ(tracer.store().size().traces, 100u);
  clock_.Advance(absl::Seconds(1));
  for (int i = 0; i < 300; ++i) Record(shard, call);
  EXPECT_EQ(tracer.store().size().traces,
            100u + size_t{kRefusalsTracedPerSecond});
  // Another caller has its own.
  call.record.refused_caller = 2;
  for (int i = 0; i < 5; ++i) Record(shard, call);
  EXPECT_EQ(tracer.store().size().traces,
            105u + size_t{kRefusalsTracedPerSecond});
  EXPECT_EQ(tracer.Totals(absl::Hours(24)).all.calls, 605);
}

TEST_F(TracerTest, WhatIsKeptNeedNotBeExported) {
  Tracer::Options options = Options();
  options.exports = false;
  Tracer tracer(options, clock_, random_);
  TraceShard& shard = tracer.shard(0);
  TestCall call("", "", 1);
  Record(shard, call);
  EXPECT_EQ(tracer.store().size().traces, 1u);
  EXPECT_EQ(tracer.queue().waiting(), 0u);
}

TEST_F(TracerTest, WhatIsExportedNeedNotBeKept) {
  Tracer::Options options = Options();
  options.store = {};
  Tracer tracer(options, clock_, random_);
  TraceShard& shard = tracer.shard(0);
  TestCall call("", "", 1);
  call.AddAttempt("openai", "gpt-x");
  Record(shard, call);
  EXPECT_EQ(tracer.store().size().traces, 0u);
  EXPECT_EQ(tracer.queue().waiting(), 2u);
}

TEST_F(TracerTest, AShardBeginsTracesByTheRatio) {
  Tracer::Options options = Options();
  options.sampling_ratio = 1;
  Tracer tracer(options, clock_, random_);
  TraceShard& shard = tracer.shard(0);
  EXPECT_TRUE(shard.Begin("", "")->sampled());
  EXPECT_EQ(shard.Begin(kUnsampledParent, "")->id_text(),
            "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST_F(TracerTest, CountsOfAllLoopsAreAddedUp) {
  Tracer tracer(Options(), clock_, random_);
  TraceShard& one = tracer.shard(0);
  TraceShard& other = tracer.shard(1);
  TestCall call("", "", 0);
  Record(one, call);
  Record(other, call);
  const TraceTotals totals = tracer.Totals(absl::Hours(1));
  EXPECT_EQ(totals.all.calls, 2);
  EXPECT_EQ(totals.operations.size(), 1u);
  EXPECT_EQ(totals.sampled, 0);
}

}  // namespace
}  // namespace gateway
