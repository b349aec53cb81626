#include "service/pipeline/performance_record.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "service/pipeline/call.h"
#include "service/routing/model_selector.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

const absl::Time kCallTime = absl::FromUnixSeconds(1'800'000'000);

// A call for which `first` was chosen, with `second` behind it.
class PerformanceRecordTest : public testing::Test {
 protected:
  PerformanceRecordTest() {
    const PolicyTable& table = call_.runtime->router().selector().table();
    auto selection = std::make_shared<RouteSelection>();
    selection->result.model = table.FindPolicy("first");
    selection->result.fallback_chain = {table.FindPolicy("second")};
    call_.planned.selection = std::move(selection);
  }

  Attempt& AddAttempt(std::string_view model, absl::Status status) {
    Attempt& one = call_.attempts.Add();
    one.provider = "mock";
    one.model = model;
    one.start_time = kCallTime;
    one.End(std::move(status), absl::Seconds(2));
    return one;
  }

  PerformanceRecord Of(std::string_view model) {
    return call_.runtime->selection().performance.HistoryOf(model)->Read(
        kCallTime);
  }

  static absl::Status BrokenDown() {
    return MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "503");
  }

  LoopRunner runner_;
  NoHttpClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  Call call_{MakeTestRuntime("providers:\n"
                             "- {name: mock, mock: {},\n"
                             "   model_aliases: {m: upstream-m}}\n"
                             "routing:\n"
                             "  selection:\n"
                             "    policies:\n"
                             "    - {id: first, target: mock/m}\n"
                             "    - {id: second, target: mock/n}\n"),
             runner_.loop(),
             client_,
             cancel_,
             arena_,
             runner_.loop().Now()};
};

TEST_F(PerformanceRecordTest, AnAnswerIsASuccessOfItsModel) {
  Attempt& one = AddAttempt("upstream-m", absl::OkStatus());
  v1::Usage& usage = one.answer.facts.usage;
  usage.set_input_tokens(700);
  usage.set_output_tokens(300);
  RecordPerformance(call_, 0);
  EXPECT_EQ(Of("first").successes, 1);
  EXPECT_EQ(Of("first").average_latency(), absl::Seconds(2));
  // It has no price.
  EXPECT_FALSE(Of("first").cost_usd_nanos_per_million_tokens().has_value());
  EXPECT_EQ(Of("second").calls(), 0);
  // It has one, but none of the tier that served.
  usage.set_cost_usd_nanos(5'000);
  RecordPerformance(call_, 0);
  EXPECT_EQ(Of("first").cost_usd_nanos_per_million_tokens(), 5'000'000);
}

TEST_F(PerformanceRecordTest, OneThatFailedAndOneThatStoodInCountOnceEach) {
  AddAttempt("upstream-m", BrokenDown());
  AddAttempt("upstream-m", BrokenDown());
  AddAttempt("n", absl::OkStatus());
  RecordPerformance(call_, 0);
  EXPECT_EQ(Of("first").failures, 1);
  EXPECT_EQ(Of("first").recent_failures, 1);
  EXPECT_EQ(Of("second").successes, 1);
}

TEST_F(PerformanceRecordTest, ARetryThatHelpedIsASuccess) {
  AddAttempt("upstream-m", BrokenDown());
  AddAttempt("upstream-m", absl::OkStatus());
  RecordPerformance(call_, 0);
  EXPECT_EQ(Of("first").successes, 1);
  EXPECT_EQ(Of("first").failures, 0);
}

TEST_F(PerformanceRecordTest, WhatTheModelIsNotToBlameForIsNotRecorded) {
  AddAttempt("upstream-m", MakeFault(v1::ERROR_REASON_INVALID_REQUEST, "400"));
  RecordPerformance(call_, 0);
  call_.attempts.Clear();
  AddAttempt("upstream-m", MakeFault(v1::ERROR_REASON_CANCELLED, "gone"));
  RecordPerformance(call_, 0);
  call_.attempts.Clear();
  AddAttempt("upstream-m",
             MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, "429"));
  RecordPerformance(call_, 0);
  call_.attempts.Clear();
  AddAttempt("upstream-m", BrokenDown()).replaced = true;
  RecordPerformance(call_, 0);
  // Nobody was asked.
  call_.attempts.Clear();
  RecordPerformance(call_, 0);
  EXPECT_EQ(Of("first").calls(), 0);
}

}  // namespace
}  // namespace gateway
